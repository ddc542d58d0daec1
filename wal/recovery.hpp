// Reading a directory into a catalog, and making it fit to be written to again.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/file.hpp"
#include "core/result.hpp"
#include "wal/catalog.hpp"
#include "wal/chain.hpp"
#include "wal/format.hpp"
#include "wal/options.hpp"

namespace nexus::wal {

/// The names of the segments in `directory`, oldest first.
core::result<std::vector<std::string>> segment_names(core::file_system& files,
                                                     const std::string& directory);

/// What must happen to the end of the newest segment before a line may follow it.
struct log_tail {
  std::uint64_t end = 0;       ///< of what stays
  bool needs_newline = false;  ///< the last line is whole, but its newline is missing
};

/// A line that can't be used.
struct damaged_line {
  std::uint32_t segment = 0;  ///< the catalog's number
  line_kind kind = line_kind::torn;
  std::uint64_t number = 0;  ///< counted from 1
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
  bool too_long = false;
  /// It stands where nothing is known to have been synced when the program was killed: most likely
  /// a write that was cut off, of which nothing was acknowledged. It counts as torn.
  bool unsynced = false;
  bool cut = false;  ///< it is at the end of the newest segment, and goes when writing goes on
};

/// What reading a directory has found beside what is in the catalog.
struct survey {
  line_counts counts;
  std::uint64_t decrypted_lines = 0;
  std::uint64_t undecrypted_lines = 0;
  std::vector<damaged_line> damage;   ///< in the order of the log
  std::map<std::string, seal> seals;  ///< the last one of each segment, by its name
  std::set<std::string> seal_values;  ///< of all of them
  log_tail tail;                      ///< of the newest segment
  std::uint64_t noted = 0;            ///< what the greatest synced note of the newest segment says
};

/// Reads the dead letters and every segment into `known`, oldest first, and changes nothing on
/// disk.
///
/// Damage and torn writes are told apart so: if the newest segment was being written to when the
/// program was killed (it ends in preallocated space, or in the middle of a line), its bytes behind
/// the last synced note may be any mix of old, new and empty sectors: a line there whose CRC does
/// not fit is torn. Everywhere else it is damage; and a line whose CRC fits was written in full: if
/// it can't be used, the key is to blame, or somebody who changed it.
///
/// Errors: `bad_config` (a segment is encrypted and there is no key for it; mode mac, and none of
/// many signed lines, or of all encrypted ones,
/// fits the key), or what reading fails with.
core::result<survey> read_directory(catalog& known, const options& how, const line_format& format);

/// Says in the log what is damaged, and tells `on_security_event` of each tampered line.
void report_damage(const catalog& known, const survey& found, const options& how);

/// Copies damaged lines into the quarantine, but for the piece of a line (its JSON not complete)
/// that a killed write leaves at the end. Returns how many were copied now.
core::result<std::uint64_t> quarantine_damage(const catalog& known, const survey& found,
                                              const options& how);

/// Prepares the newest segment of `known` (if there is one) for appending: removes what a crash has
/// left at its end, and syncs what was read, because a killed process may have written without
/// syncing. Returns the open file; null if the next append should begin a new segment (there is
/// none, it is full, or its lines are encrypted in another way).
core::result<std::unique_ptr<core::file>> repair_tail(catalog& known, const log_tail& tail,
                                                      const options& how,
                                                      const line_format& format);

/// Removes temporary files that a crash has left behind. Returns how many there were.
core::result<std::uint64_t> remove_leftovers(const options& how);

}  // namespace nexus::wal
