// The JSON Lines destination: each entry is a line of a file that is rotated by size, or of the
// standard output. docs/destinations/jsonl.md says what it promises.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "core/file.hpp"
#include "destinations/destination.hpp"
#include "destinations/registry.hpp"

namespace nexus::destinations {

/// What a line holds.
enum class jsonl_line : std::uint8_t {
  payload,  ///< the payload, compact
  entry,    ///< the entry, as the log stores it (core::append_json)
};

struct jsonl_options {
  /// The file, absolute; "-" is the standard output. Created with mode 0600, with missing parent
  /// directories, by the first delivery.
  std::string path;
  /// A file is renamed before the batch that would make it larger; 0: never.
  std::uint64_t rotate_bytes = 100'000'000;
  /// How many renamed files stay; 0: all.
  std::size_t keep_files = 0;
  jsonl_line line = jsonl_line::payload;
  /// What is delivered survives a power cut, not only the end of this process.
  bool sync = true;
  /// How long a call waits for another one to the same file, or for whoever reads the standard
  /// output, before it reports `unreachable`.
  std::chrono::milliseconds timeout{30'000};
};

/// Appends to the file. When `deliver` returns, its delivered lines are in the file and, with
/// `sync`, on the disk; if it never returns, any part of them may be there, the last line cut off:
/// the next opening removes that. A write that fails is taken back as a whole.
///
/// A payload id that is among the last 100,000 of this process, or in the last 64 MB of the files
/// when they were opened, is not written again. Instances in one process take turns; two programs
/// must not write to the same file. One that was removed, replaced or shortened by somebody else is
/// opened anew with the next batch. `exists` reads all files from their beginning.
std::unique_ptr<destination> make_jsonl(const jsonl_options& options,
                                        core::file_system& files = core::posix_files());

/// The type "jsonl": `path` (required), `rotate_mb`, `keep_files`, `line`, `sync`.
type_info jsonl_type();

}  // namespace nexus::destinations
