// What the log itself needs to know of a stored entry: its members, as views into the line. Reading
// a log is bounded by the disk and the checksum, not by building entries.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/entry.hpp"

namespace nexus::wal {

/// What tells entries apart. Views: valid as long as what they were taken from.
struct entry_name {
  std::string_view payload_id;
  std::string_view destination;
  std::string_view source;
  std::string_view idempotency_key;

  entry_name() = default;
  entry_name(const core::entry& value)
      : payload_id(value.payload_id),
        destination(value.destination),
        source(value.source),
        idempotency_key(value.idempotency_key) {}
};

struct entry_head {
  entry_name name;
  std::string_view status;
  std::string_view entry_type;
  std::uint32_t seconds = 0;  ///< the timestamp, see unix_seconds
  std::string_view timestamp;
  std::string_view subject;
  std::string_view actor_type;
  std::string_view actor_id;
  std::string_view payload;
};

/// The head of an entry that was read in full.
entry_head head_of(const core::entry& value);

/// How much of a line's JSON is looked at.
enum class json_check : std::uint8_t {
  whole,
  head,  ///< what stands before the payload: the rest is known to be as we write it
};

/// The head of a line in our own spelling, its payload checked to be JSON and nothing behind it.
/// Nothing if the line is spelled in any other way (or is no entry): then parse it. With
/// `json_check::head` there may be more behind the payload, and neither payload nor seconds are
/// filled in.
std::optional<entry_head> read_head(std::string_view json, json_check how = json_check::whole);

/// Makes `out` the whole entry that a head of read_head stands for, the same as parse_entry would;
/// the memory of its strings is used again.
void assign(core::entry& out, const entry_head& head);

/// Unix seconds of a timestamp; 0 where it is malformed or outside the range of 32 bits.
std::uint32_t unix_seconds(std::string_view timestamp);

}  // namespace nexus::wal
