#include "audit/record.hpp"

#include <array>
#include <charconv>

#include <fmt/format.h>

#include "core/json_object.hpp"
#include "core/json_text.hpp"

namespace nexus::audit {
namespace {

namespace json = core::json;

struct text_member {
  std::string_view name;
  std::string record::*where;
};

/// In the order in which they are written; the timestamp stands behind the first.
constexpr std::array<text_member, 13> text_members{{
    {"record_id", &record::record_id},
    {"request_id", &record::request_id},
    {"operation", &record::operation},
    {"endpoint", &record::endpoint},
    {"source", &record::source},
    {"actor_type", &record::actor_type},
    {"actor_id", &record::actor_id},
    {"subject", &record::subject},
    {"destination", &record::destination},
    {"payload_id", &record::payload_id},
    {"policy_decision", &record::policy_decision},
    {"reason", &record::reason},
    {"ip", &record::ip},
}};

std::string latency_text(const record& one) {
  return fmt::format("{:.3f}", one.latency_ms);
}

template <class T>
core::result<void> read_number(T& to, std::string_view raw) {
  const auto done = std::from_chars(raw.data(), raw.data() + raw.size(), to);
  if (done.ec == std::errc() && done.ptr == raw.data() + raw.size()) return {};
  return core::error{core::errc::corrupt, "a number of a record is none"};
}

core::result<void> read_member(record& to, std::string_view key, std::string_view raw) {
  if (key == "status_code") return read_number(to.status_code, raw);
  if (key == "latency_ms") return read_number(to.latency_ms, raw);
  if (json::kind_of(raw) != json::kind::string) return {};
  if (key == "timestamp") {
    const auto when = core::parse_timestamp(json::unquote(raw));
    if (!when) return core::error{core::errc::corrupt, "a record's timestamp is none"};
    to.timestamp = *when;
  }
  for (const auto& member : text_members)
    if (member.name == key) to.*member.where = json::unquote(raw);
  return {};
}

/// As RFC 4180 wants it: quoted where it must be.
void append_field(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == text.npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
}

bool matches(const std::string& wanted, const std::string& is) {
  return wanted.empty() || wanted == is;
}

}  // namespace

bool filter::fits(const record& one) const {
  return matches(source, one.source) && matches(actor_type, one.actor_type) &&
         matches(actor_id, one.actor_id) && matches(operation, one.operation) &&
         matches(policy_decision, one.policy_decision) && matches(subject, one.subject) &&
         matches(destination, one.destination) && (!after || one.timestamp > *after) &&
         (!before || one.timestamp < *before);
}

void append_json(std::string& out, const record& one) {
  core::json_object object(out);
  for (const auto& member : text_members) {
    object.text(member.name, one.*member.where);
    if (&member == text_members.data())
      object.text("timestamp", core::format_timestamp(one.timestamp));
  }
  object.number("status_code", one.status_code);
  object.start("latency_ms") += latency_text(one);
  object.end();
}

core::result<std::optional<record>> parse_record(std::string_view text) {
  record one;
  bool is_other = false;
  auto read = json::for_each_member(text, [&](const json::member& each) {
    const std::string key = json::unquote(each.key);
    is_other = is_other || key == "record_type";
    return read_member(one, key, each.value);
  });
  if (!read) return core::error{core::errc::corrupt, std::move(read).reason().text};
  if (is_other) return std::optional<record>();
  return std::optional<record>(std::move(one));
}

std::string csv_header() {
  std::string out;
  for (const auto& member : text_members) {
    (out += member.name) += ',';
    if (&member == text_members.data()) out += "timestamp,";
  }
  return out += "status_code,latency_ms\r\n";
}

void append_csv(std::string& out, const record& one) {
  for (const auto& member : text_members) {
    append_field(out, one.*member.where);
    out += ',';
    if (&member == text_members.data()) (out += core::format_timestamp(one.timestamp)) += ',';
  }
  out += std::to_string(one.status_code) + ',' + latency_text(one) + "\r\n";
}

}  // namespace nexus::audit
