// What a write is checked for before its body is looked at.
#pragma once

#include <cstdint>
#include <optional>

#include "http/message.hpp"
#include "ingest/routes.hpp"
#include "ingest/services.hpp"
#include "ingest/snapshot.hpp"

namespace nexus::ingest {

/// Whether an endpoint writes: it wants a source's token, and not the admin's.
bool is_write(endpoint target) noexcept;

/// The checks that need no body, in order: can_write, the path's source, policy, content type,
/// content encoding. Nothing: go on. (/v1/memories looks at the policy later.)
std::optional<http::response> check_write_header(services& house, const active_source& source,
                                                 const route& where, const http::request& request);

/// Whether the source may write to all of its destinations; else 403, which is counted.
std::optional<http::response> check_write_policy(services& house, const active_source& source,
                                                 const http::request& request);

/// Whether a few bytes of the body may be many entries.
bool makes_many(endpoint target, const http::request& request);

/// How long the body may be, decompressed as well.
std::uint64_t write_bytes_max(const snapshot& config, const active_source& source,
                              const route& where, const http::request& request);

/// Decompresses the body and hands the request to its endpoint. Any thread; `source` belongs to
/// `config`.
void dispatch_write(const services_ptr& house, snapshot_ptr config, const active_source& source,
                    const route& where, http::request request, http::respond_fn respond);

}  // namespace nexus::ingest
