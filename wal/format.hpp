// The line: what one line of a file of the log looks like, and whether it is whole.
// docs/wal-format.md; sections 1.2, 1.7 and 1.10 of the v0.1.2 behaviour.
//
//   BODY TAB crc32 LF              integrity crc32
//   BODY TAB crc32 TAB hmac LF     integrity mac
//
// BODY is JSON, or `enc:` and Base64 of an encrypted JSON; read as well: `zstd:` and Base64 of a
// zstd frame, and lines between the sentinels of the newest reference version. crc32: IEEE, over
// BODY, 8 lower-case hex digits. hmac: HMAC-SHA256 over the same bytes, 64 lower-case digits.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/result.hpp"
#include "wal/keyring.hpp"
#include "wal/options.hpp"

namespace nexus::wal {

/// What a line turns out to be before its JSON is looked at.
enum class line_state {
  whole,
  blank,         ///< nothing in it
  torn,          ///< fewer than two fields, or a piece of the right HMAC: a write was cut off
  bad_sentinel,  ///< begins with the start sentinel, but does not end as such a line must
  bad_crc,
  bad_mac,      ///< the HMAC does not fit: tampered with
  missing_mac,  ///< no HMAC where one is required
  bad_body,     ///< CRC and HMAC fit, but the body can't be decrypted or decompressed
  no_key,       ///< encrypted, and there is no key at all
};

/// A line taken apart. Views: into the line that was read, or into the decoder that read it (until
/// its next call).
struct line_parts {
  line_state state = line_state::blank;
  std::string_view json;
  std::string_view hmac;   ///< as stored; of a whole line that has one in mode mac
  bool encrypted = false;  ///< the body is `enc:`
};

/// HMAC-SHA256, raw.
using mac_bytes = std::array<unsigned char, 32>;

/// What all lines of a log have in common: integrity mode and keys. May be used from several
/// threads.
class line_format {
 public:
  /// Errors: `bad_config` (mode mac without a key, an encryption key that is not 32 bytes long,
  /// encryption without a key, AES on a CPU that has no instructions for it: names the other
  /// cipher).
  static core::result<std::unique_ptr<line_format>> make(const options& how);
  ~line_format();
  line_format(const line_format&) = delete;
  line_format& operator=(const line_format&) = delete;

  bool signs() const noexcept { return mode_ == integrity_mode::mac; }
  bool encrypts() const noexcept { return keys_.encrypts(); }
  const keyring& keys() const noexcept { return keys_; }

  /// HMAC-SHA256 of `text` under the log's key; in mode mac only.
  mac_bytes mac_of(std::string_view text) const;

  /// The HMAC at the end of a line (without newline) that finish_line has made; in mode mac only.
  static mac_bytes mac_at_end(std::string_view line);

  /// Completes the plain line whose JSON already stands in `out` from `start` to the end.
  void finish_line(std::string& out, std::size_t start) const;

  /// Bytes of the stored line, its newline not counted, of a JSON of that size.
  std::size_t line_bytes(std::size_t json_bytes) const noexcept;

 private:
  friend class line_decoder;
  line_format(const options& how, keyring keys);
  std::array<char, 64> hmac_hex(std::string_view body) const;

  integrity_mode mode_;
  bool accept_unsigned_;
  keyring keys_;
  /// libsodium's state after the key: copied for each line, so that the key is hashed once. Wiped
  /// at the end.
  alignas(16) std::array<unsigned char, 512> keyed_state_{};
};

/// Writes the lines of one file: encrypted ones if the log encrypts, bound to the file's name.
/// Belongs to one thread at a time.
class line_encoder {
 public:
  /// `file_name` without directory. `format` must outlive it.
  line_encoder(const line_format& format, std::string_view file_name);

  /// Appends the line that a new file begins with; nothing if its lines are plain. It tells the
  /// cipher and the key's id:
  ///   {"version":2,"status":"SEGMENT","timestamp":"…","entry_type":"segment","segment":"NAME",
  ///    "cipher":"aes-256-gcm","key_id":"…"}
  void append_header(std::string& out, std::string_view timestamp) const;

  /// Appends the line for `json`, newline included.
  void append_line(std::string& out, std::string_view json) const;

 private:
  const line_format& format_;
  std::string file_name_;
  std::optional<file_cipher> cipher_;
};

/// Reads the lines of one file. Belongs to one thread at a time.
class line_decoder {
 public:
  /// `file_name` without directory. `format` must outlive it.
  line_decoder(const line_format& format, std::string_view file_name);

  /// Takes a line (without its newline) apart and checks it: sentinels, CRC, HMAC, decryption,
  /// decompression, in this order. `terminated`: false where the file ends instead.
  line_parts read_line(std::string_view line, bool terminated = true);

  const line_format& format() const noexcept { return format_; }

 private:
  line_parts read_body(line_parts parts, std::string_view body);

  const line_format& format_;
  std::string file_name_;
  file_decipher decipher_;
  std::string buffer_;  ///< what the last decrypted or decompressed body held
  std::string packed_;  ///< the frame of the last compressed body
};

}  // namespace nexus::wal
