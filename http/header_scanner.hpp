// Bounds the header of a request while its bytes arrive, before any of it is parsed.
//
// Why not the parser's own limit: Boost 1.81's counts anew after each complete field, so that a
// client that aligns its fields with its packets sends a header without end.
#pragma once

#include <cstddef>
#include <string_view>

namespace nexus::http {

struct header_limits {
  std::size_t header_bytes_max = 16 * 1024;  ///< from the method to the empty line, that included
  std::size_t headers_max = 100;
  std::size_t target_bytes_max = 8 * 1024;
};

/// Finds the end of one header. Refuses what the programs between client and server read in
/// different ways: lines that end in LF or CR alone, folded lines, control characters, an empty
/// line before the request line.
class header_scanner {
 public:
  enum class verdict { incomplete, complete, malformed, too_large, too_many, target_too_long };

  explicit header_scanner(const header_limits& limits) : limits_(limits) {}

  /// `bytes`: all bytes of this request so far, those of earlier calls included (they are not
  /// looked at again). After another verdict than `incomplete` call reset() first.
  verdict scan(std::string_view bytes);
  /// The length of the header with its empty line, after `complete`.
  std::size_t length() const noexcept { return position_; }
  /// Starts over for the next request.
  void reset();

 private:
  /// Steps over bytes of a header field that mean nothing here.
  void skip_text(std::string_view bytes);
  verdict take(char byte);
  verdict end_line();

  header_limits limits_;
  std::size_t position_ = 0;  ///< of the next byte
  std::size_t line_start_ = 0;
  std::size_t lines_ = 0;  ///< complete ones, the request line included
  std::size_t target_bytes_ = 0;
  std::size_t spaces_ = 0;  ///< in the request line
  char previous_ = 0;
};

}  // namespace nexus::http
