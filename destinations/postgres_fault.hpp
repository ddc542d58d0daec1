// PostgreSQL's error codes as outcomes. Internal to the PostgreSQL destination.
#pragma once

#include <string>
#include <string_view>

#include "core/result.hpp"
#include "destinations/destination.hpp"

namespace nexus::destinations {

/// Something that PostgreSQL, or the way there, refused.
struct postgres_fault {
  outcome_kind kind = outcome_kind::transient;
  std::string reason;  ///< One line: the server, what was being done, PostgreSQL's words.
};

/// The same for callers that have no outcomes.
core::error to_error(const postgres_fault& fault);

/// What a SQLSTATE (Appendix A of PostgreSQL's manual) means for the entries at hand;
/// docs/destinations/postgres.md has the table. Empty: there was no answer.
outcome_kind outcome_of_sqlstate(std::string_view code) noexcept;

/// The SQLSTATE in libpq's text about a failed connection, written with PQERRORS_VERBOSE: that of
/// the last server that was tried. Empty if it gave none. libpq has no function for this.
std::string connect_sqlstate(std::string_view message);

/// What such a text says, as one line: no hints, no places in PostgreSQL's source.
std::string connect_reason(std::string_view message);

}  // namespace nexus::destinations
