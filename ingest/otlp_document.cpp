#include "ingest/otlp_document.hpp"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "core/json_text.hpp"
#include "core/timestamp.hpp"

namespace nexus::ingest {
namespace {

using core::json::kind;
using core::json::kind_of;

/// Values nest as deep as this; deeper ones are an attack.
constexpr int depth_max = 64;

core::error wrong(std::string_view what) {
  return {core::errc::invalid_argument, std::string(what)};
}

/// The raw value of a member, the first one of that name; null and absent are one, as in protobuf.
std::optional<std::string_view> member(std::string_view object, std::string_view name) {
  if (kind_of(object) != kind::object) return std::nullopt;
  core::json::members members(object);
  for (auto* one = members.next(); one != nullptr; one = members.next())
    if (one->key.substr(1, one->key.size() - 2) == name && kind_of(one->value) != kind::null)
      return one->value;
  return std::nullopt;
}

/// The digits of an integer, which 64-bit ones have in quotes.
std::optional<std::string_view> digits_of(std::string_view raw) {
  if (kind_of(raw) == kind::string) raw = raw.substr(1, raw.size() - 2);
  std::string_view bare = raw;
  if (bare.starts_with('-')) bare.remove_prefix(1);
  if (bare.empty() || bare.size() > 20 ||
      bare.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  if (bare.size() > 1 && bare.front() == '0') return std::nullopt;
  return raw;
}

/// Builds an object, member by member, and leaves empty ones out.
class object_writer {
 public:
  std::string& start(std::string_view name) {
    out_ += out_.empty() ? "{\"" : ",\"";
    return (out_ += name) += "\":";
  }
  void raw(std::string_view name, std::string_view value) {
    if (!value.empty()) start(name) += value;
  }
  bool empty() const { return out_.empty(); }
  std::string take() {
    if (!out_.empty()) out_ += '}';
    return std::move(out_);
  }

 private:
  std::string out_;
};

bool append_value(std::string& out, std::string_view any, int depth);

/// A list of {"key":…,"value":…} as an object; nothing is appended where it is empty.
bool append_pairs(std::string& out, std::string_view list, int depth) {
  if (kind_of(list) != kind::array) return false;
  core::json::members pairs(list);
  char separator = '{';
  for (auto* one = pairs.next(); one != nullptr; one = pairs.next()) {
    const auto key = member(one->value, "key");
    if (kind_of(one->value) != kind::object || (key && kind_of(*key) != kind::string)) return false;
    ((out += separator) += key.value_or("\"\"")) += ':';
    if (!append_value(out, member(one->value, "value").value_or("{}"), depth)) return false;
    separator = ',';
  }
  if (separator == ',') out += '}';
  return true;
}

bool append_list(std::string& out, std::string_view holder, int depth) {
  const auto values = member(holder, "values");
  out += '[';
  if (values) {
    if (kind_of(*values) != kind::array) return false;
    core::json::members elements(*values);
    bool first = true;
    for (auto* one = elements.next(); one != nullptr; one = elements.next()) {
      if (!std::exchange(first, false)) out += ',';
      if (!append_value(out, one->value, depth)) return false;
    }
  }
  out += ']';
  return true;
}

bool append_map(std::string& out, std::string_view holder, int depth) {
  const auto before = out.size();
  const auto values = member(holder, "values");
  if (values && !append_pairs(out, *values, depth)) return false;
  if (out.size() == before) out += "{}";
  return true;
}

/// An AnyValue; one that holds nothing is null.
bool append_value(std::string& out, std::string_view any, int depth) {
  if (kind_of(any) == kind::null) return out += "null", true;
  if (kind_of(any) != kind::object || depth > depth_max) return false;
  core::json::members members(any);
  for (auto* one = members.next(); one != nullptr; one = members.next()) {
    const auto name = one->key.substr(1, one->key.size() - 2);
    const auto value = one->value;
    const auto is = kind_of(value);
    if (is == kind::null) continue;
    if (name == "stringValue" || name == "bytesValue")
      return is == kind::string && (out += value, true);
    if (name == "boolValue") return is == kind::boolean && (out += value, true);
    // "NaN" and "Infinity" are strings, and stay strings.
    if (name == "doubleValue")
      return (is == kind::number || is == kind::string) && (out += value, true);
    if (name == "intValue") {
      const auto digits = digits_of(value);
      return digits && (out += *digits, true);
    }
    if (name == "arrayValue") return append_list(out, value, depth + 1);
    if (name == "kvlistValue") return append_map(out, value, depth + 1);
  }
  out += "null";
  return true;
}

/// The attributes of something; empty if it has none.
bool read_attributes(std::string_view of, std::string& out) {
  const auto list = member(of, "attributes");
  return !list || append_pairs(out, *list, 0);
}

/// Nanoseconds since the epoch as a quoted time; 0 and absent: empty.
bool read_time(std::string_view record, std::string_view name, std::string& out) {
  const auto raw = member(record, name);
  if (!raw) return true;
  const auto digits = digits_of(*raw);
  std::int64_t nanoseconds = 0;
  if (!digits || std::from_chars(digits->data(), digits->data() + digits->size(), nanoseconds).ec !=
                     std::errc())
    return false;
  if (nanoseconds != 0)
    out =
        '"' + core::format_timestamp(core::time_point(std::chrono::nanoseconds(nanoseconds))) + '"';
  return true;
}

/// A member that is a text; empty text and absent: empty.
bool read_text(std::string_view of, std::string_view name, std::string_view& out) {
  const auto raw = member(of, name);
  if (!raw || *raw == "\"\"") return true;
  out = *raw;
  return kind_of(*raw) == kind::string;
}

bool read_number(std::string_view of, std::string_view name, std::string_view& out) {
  const auto raw = member(of, name);
  if (!raw) return true;
  const auto digits = digits_of(*raw);
  if (digits && *digits != "0") out = *digits;
  return digits.has_value();
}

/// What records have in common, as members with a comma before each. Shared by all of them: a
/// request may have many scopes and records, and little else.
struct surroundings {
  std::string resource;
  std::string scope;

  std::size_t size() const { return resource.size() + scope.size(); }
};

class record_writer {
 public:
  explicit record_writer(std::string_view record) : record_(record) {}

  core::result<std::string> write(const surroundings& around) {
    if (kind_of(record_) != kind::object) return wrong("a log record is not an object");
    time("time", "timeUnixNano");
    time("observed_time", "observedTimeUnixNano");
    number("severity_number", "severityNumber");
    text("severity_text", "severityText");
    text("event_name", "eventName");
    if (const auto body = member(record_, "body"))
      check("body", append_value(out_.start("body"), *body, 0));
    std::string attributes;
    check("attributes", read_attributes(record_, attributes));
    out_.raw("attributes", attributes);
    text("trace_id", "traceId");
    text("span_id", "spanId");
    number("flags", "flags");
    number("dropped_attributes_count", "droppedAttributesCount");
    if (!problem_.empty()) return wrong("a log record is malformed: " + problem_);
    std::string whole = out_.take();
    if (whole.empty()) whole = "{}";
    if (around.size() == 0) return whole;
    whole.pop_back();
    const auto own = whole.size();
    whole.reserve(own + around.size() + 1);
    (whole += around.resource) += around.scope;
    if (own == 1) whole.erase(1, 1);  // the comma
    return whole += '}';
  }

 private:
  void check(std::string_view name, bool fits) {
    if (!fits && problem_.empty()) problem_ = name;
  }
  void time(std::string_view as, std::string_view name) {
    std::string value;
    check(name, read_time(record_, name, value));
    out_.raw(as, value);
  }
  void text(std::string_view as, std::string_view name) {
    std::string_view value;
    check(name, read_text(record_, name, value));
    out_.raw(as, value);
  }
  void number(std::string_view as, std::string_view name) {
    std::string_view value;
    check(name, read_number(record_, name, value));
    out_.raw(as, value);
  }

  std::string_view record_;
  object_writer out_;
  std::string problem_;
};

/// The elements of a list; absent: none. False: it is no list of objects.
bool for_each_object(std::string_view of, std::string_view name,
                     const std::function<bool(std::string_view)>& visit) {
  const auto list = member(of, name);
  if (!list) return true;
  if (kind_of(*list) != kind::array) return false;
  core::json::members elements(*list);
  for (auto* one = elements.next(); one != nullptr; one = elements.next())
    if (kind_of(one->value) != kind::object || !visit(one->value)) return false;
  return true;
}

bool describe_resource(std::string_view group, std::string& out) {
  std::string attributes;
  std::string_view schema;
  const auto resource = member(group, "resource");
  if (resource && (kind_of(*resource) != kind::object || !read_attributes(*resource, attributes)))
    return false;
  if (!read_text(group, "schemaUrl", schema)) return false;
  if (!attributes.empty()) (out += ",\"resource\":") += attributes;
  if (!schema.empty()) (out += ",\"resource_schema_url\":") += schema;
  return true;
}

bool describe_scope(std::string_view group, std::string& out) {
  const auto scope = member(group, "scope");
  std::string_view name, version, schema;
  std::string attributes;
  if (scope && (kind_of(*scope) != kind::object || !read_text(*scope, "name", name) ||
                !read_text(*scope, "version", version) || !read_attributes(*scope, attributes)))
    return false;
  if (!read_text(group, "schemaUrl", schema)) return false;
  object_writer writer;
  writer.raw("name", name);
  writer.raw("version", version);
  writer.raw("attributes", attributes);
  if (!writer.empty()) (out += ",\"scope\":") += writer.take();
  if (!schema.empty()) (out += ",\"schema_url\":") += schema;
  return true;
}

/// Hands on the records of a request, as long as there are not too many of them. Everything but
/// their texts takes time and memory in proportion to the request.
class document_walk {
 public:
  document_walk(const log_limits& limits, const log_record_fn& take)
      : limits_(limits), take_(take) {}

  core::result<void> run(std::string_view request) {
    const bool fits = for_each_object(request, "resourceLogs",
                                      [&](std::string_view group) { return read_group(group); });
    if (!too_large_.empty()) return core::error{core::errc::too_large, too_large_};
    if (!fits) return wrong("resourceLogs, a resource, a scope or logRecords is malformed");
    return {};
  }

 private:
  bool read_group(std::string_view group) {
    around_.resource.clear();
    if (!describe_resource(group, around_.resource)) return false;
    return for_each_object(group, "scopeLogs",
                           [&](std::string_view scope_group) { return read_scope(scope_group); });
  }

  bool read_scope(std::string_view group) {
    around_.scope.clear();
    if (!describe_scope(group, around_.scope)) return false;
    const auto records = member(group, "logRecords");
    if (!records) return true;
    if (kind_of(*records) != kind::array) return false;
    core::json::members elements(*records);
    for (auto* one = elements.next(); one != nullptr; one = elements.next())
      if (!read_record(one->value)) return false;
    return true;
  }

  bool read_record(std::string_view raw) {
    if (count_ == limits_.records)
      return stop("a request may have " + std::to_string(limits_.records) + " log records");
    // Before it is built: what is around it may be larger than all that is left.
    if (around_.size() > limits_.bytes - bytes_) return stop_at_bytes();
    auto record = record_writer(raw).write(around_);
    if (record && record->size() > limits_.bytes - bytes_) return stop_at_bytes();
    if (record) bytes_ += record->size();
    ++count_;
    take_(std::move(record));
    return true;
  }

  bool stop(std::string why) {
    too_large_ = std::move(why);
    return false;
  }
  bool stop_at_bytes() {
    return stop("log records, each with its resource and its scope, may have " +
                std::to_string(limits_.bytes) + " bytes together");
  }

  const log_limits& limits_;
  const log_record_fn& take_;
  surroundings around_;
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  std::string too_large_;
};

}  // namespace

core::result<void> for_each_log_record(std::string_view request, const log_limits& limits,
                                       const log_record_fn& take) {
  if (kind_of(request) != kind::object) return wrong("an export request is an object");
  return document_walk(limits, take).run(request);
}

}  // namespace nexus::ingest
