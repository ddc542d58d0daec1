// Reads the lines of a segment, one after the other, in bounded memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/file.hpp"
#include "core/result.hpp"

namespace nexus::wal {

/// One line of a segment; valid until the next call of next().
struct raw_line {
  std::string_view text;     ///< without its newline and without NUL bytes before it
  std::uint64_t offset = 0;  ///< of the line's first byte
  std::uint64_t bytes = 0;   ///< of the line in the file: the size of `text` unless it is too long
  std::uint64_t number = 0;  ///< counted from 1
  bool terminated = true;    ///< false: the file ends before a newline came
  bool too_long = false;     ///< over the limit: `text` holds only a part of it
};

/// Three answers: a line, the clean end (null), or an error of the operating system. NUL bytes
/// at the end of the file are preallocated space and count as the end.
class segment_reader {
 public:
  /// Reads the first `size` bytes of `source`, which must outlive the reader.
  segment_reader(const core::file& source, std::uint64_t size);

  core::result<const raw_line*> next();

  /// Bytes consumed so far.
  std::uint64_t offset() const noexcept { return line_start_; }

 private:
  core::result<bool> fill();
  void skip_padding();
  const raw_line* finish(std::string_view text, bool terminated, std::uint64_t dropped);

  const core::file& source_;
  std::uint64_t size_;
  std::string buffer_;
  std::size_t used_ = 0;          ///< bytes of the buffer that hold data
  std::size_t start_ = 0;         ///< where the next line begins in the buffer
  std::uint64_t line_start_ = 0;  ///< the same place in the file
  std::uint64_t number_ = 0;
  raw_line line_;
};

}  // namespace nexus::wal
