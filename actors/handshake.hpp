// How the two sides of a remote destination show each other that they know the same secret, without
// saying it. Both nonces are fresh: the client's for each connection, the door's for each door.
//
//     client                                          door
//       ── version, client nonce ─────────────────────▶
//       ◀── door nonce, HMAC(secret, "nexus door 1" + client nonce + door nonce) ──
//       ── pass = client nonce + HMAC(secret, "nexus pass 1" + both nonces), with each request ──▶
//
// HMAC is HMAC-SHA256 (RFC 2104). It keeps out who merely can connect. It does not encrypt, and a
// pass can be overheard: that takes TLS.
#pragma once

#include <cstdint>
#include <string>

namespace nexus::actors {

inline constexpr std::uint32_t handshake_version = 1;

/// Shorter secrets are refused: the door's answer lets anybody who connects try guesses at leisure.
inline constexpr std::size_t secret_bytes_min = 16;

/// 32 random bytes.
std::string make_nonce();

/// What the door answers, and whether an answer is right.
std::string door_proof(const std::string& secret, const std::string& client_nonce,
                       const std::string& door_nonce);
bool is_door_proof(const std::string& proof, const std::string& secret,
                   const std::string& client_nonce, const std::string& door_nonce);

/// What the client sends with each request, and whether it is right.
std::string make_pass(const std::string& secret, const std::string& client_nonce,
                      const std::string& door_nonce);
bool is_pass(const std::string& pass, const std::string& secret, const std::string& door_nonce);

/// Whether it has the length of a nonce.
bool is_nonce(const std::string& bytes) noexcept;

}  // namespace nexus::actors
