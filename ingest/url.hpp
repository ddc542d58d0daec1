// Percent-encoding of paths and queries, as the reference's HTTP library reads it (section 3.1 of
// the v0.1.2 behaviour).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace nexus::ingest {

/// The path that routes are matched against: decoded where `raw` is spelled exactly as the default
/// encoding of the decoded path would be, else `raw` itself (`/inbound/a%2Fb` stays encoded, so its
/// source is `a%2Fb`). Nothing if an escape is malformed.
std::optional<std::string> routing_path(std::string_view raw);

/// One segment of a path with every escape decoded; nothing if one is malformed.
std::optional<std::string> decode_segment(std::string_view raw);
/// The other way round: everything is escaped but letters, digits and `-_.~`.
std::string encode_segment(std::string_view text);

/// The parameters of a query string, `+` as space; the first of several values of a name wins. A
/// pair with a malformed escape or a `;` is left out.
std::map<std::string, std::string, std::less<>> query_parameters(std::string_view raw);

}  // namespace nexus::ingest
