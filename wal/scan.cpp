#include "wal/scan.hpp"

namespace nexus::wal {
namespace {

line_kind kind_of(line_state state) {
  switch (state) {
    case line_state::whole:
      return line_kind::entry;
    case line_state::blank:
      return line_kind::blank;
    case line_state::torn:
      return line_kind::torn;
    case line_state::bad_sentinel:
      return line_kind::bad_sentinel;
    case line_state::bad_crc:
      return line_kind::bad_crc;
    case line_state::bad_mac:
      return line_kind::bad_mac;
    case line_state::missing_mac:
      return line_kind::missing_mac;
    case line_state::bad_body:
      return line_kind::bad_body;
    case line_state::no_key:
      return line_kind::no_key;
  }
  return line_kind::torn;
}

line_kind kind_of(const entry_head& head) {
  if (head.entry_type == "status") return line_kind::status;
  if (head.entry_type == "synced") return line_kind::synced;
  if (head.entry_type == "seal") return line_kind::seal;
  if (head.entry_type == "segment") return line_kind::header;
  if (head.entry_type == "quarantined") return line_kind::quarantined;
  if (!head.entry_type.empty() || !core::parse_status(head.status)) return line_kind::foreign;
  return line_kind::entry;
}

}  // namespace

const char* to_string(line_kind kind) noexcept {
  switch (kind) {
    case line_kind::entry:
      return "entry";
    case line_kind::status:
      return "status line";
    case line_kind::synced:
      return "synced note";
    case line_kind::seal:
      return "seal";
    case line_kind::header:
      return "header";
    case line_kind::quarantined:
      return "place of a quarantined line";
    case line_kind::foreign:
      return "foreign line";
    case line_kind::blank:
      return "blank line";
    case line_kind::torn:
      return "torn line";
    case line_kind::bad_sentinel:
      return "end sentinel is missing";
    case line_kind::bad_body:
      return "can't be decrypted or decompressed";
    case line_kind::no_key:
      return "encrypted, and there is no key";
    case line_kind::bad_crc:
      return "CRC does not fit";
    case line_kind::bad_mac:
      return "HMAC does not fit";
    case line_kind::missing_mac:
      return "HMAC is missing";
    case line_kind::malformed:
      return "not an entry";
  }
  return "";
}

bool is_damage(line_kind kind) noexcept {
  switch (kind) {
    case line_kind::torn:
    case line_kind::bad_sentinel:
    case line_kind::bad_crc:
    case line_kind::bad_mac:
    case line_kind::missing_mac:
    case line_kind::bad_body:
    case line_kind::no_key:
    case line_kind::malformed:
      return true;
    default:
      return false;
  }
}

bool scanned_line::is_pending() const noexcept {
  return kind == line_kind::entry && head.status == core::to_string(core::status::pending);
}

core::entry scanned_line::entry() const {
  core::entry out;
  read_into(out);
  return out;
}

void scanned_line::read_into(core::entry& out) const {
  if (parsed)
    out = *parsed;
  else
    assign(out, head);
}

void line_counts::add(line_kind kind) noexcept {
  ++lines;
  if (kind == line_kind::bad_crc) ++crc_failures;
  if (kind == line_kind::bad_mac || kind == line_kind::missing_mac) ++integrity_failures;
  if (kind == line_kind::torn) ++torn;
  if (kind == line_kind::malformed) ++malformed;
  if (kind == line_kind::bad_sentinel) ++sentinel_failures;
  if (kind == line_kind::bad_body || kind == line_kind::no_key) ++undecodable;
}

scanned_line classify(const raw_line& raw, line_decoder& decoder) {
  scanned_line out;
  classify(raw, decoder, out);
  return out;
}

void classify(const raw_line& raw, line_decoder& decoder, scanned_line& out, json_check how) {
  out.raw = raw;
  out.json = out.hmac = {};
  out.encrypted = false;
  out.head = {};
  out.parsed.reset();
  if (raw.too_long) {
    out.kind = line_kind::bad_crc;
    return;
  }
  auto parts = decoder.read_line(raw.text, raw.terminated);
  out.kind = kind_of(parts.state);
  out.encrypted = parts.encrypted;
  if (parts.state != line_state::whole) return;
  out.json = parts.json;
  out.hmac = parts.hmac;
  if (auto head = read_head(parts.json, how)) {
    out.head = *head;
  } else {
    auto entry = core::parse_entry(parts.json);
    if (!entry) {
      out.kind = line_kind::malformed;
      return;
    }
    out.parsed = std::make_shared<const core::entry>(*std::move(entry));
    out.head = head_of(*out.parsed);
  }
  out.kind = kind_of(out.head);
}

core::result<void> scan_segment(const core::file& source, std::uint64_t size, line_decoder& decoder,
                                const std::function<void(const scanned_line&)>& visit,
                                json_check how) {
  segment_reader reader(source, size);
  scanned_line line;
  for (;;) {
    auto raw = reader.next();
    if (!raw) return raw.reason();
    if (!*raw) return {};
    classify(**raw, decoder, line, how);
    visit(line);
  }
}

}  // namespace nexus::wal
