// What a proof has tried, for the table that ./script/proof prints.
#pragma once

#include <cstdint>
#include <string_view>

namespace nexus::test {

/// Says that `what` (a plural: "crash states") was tried `count` times: a line on standard output
/// and, where NEXUS_PROOF_COUNTS names a file, a line "what<TAB>count" at its end.
void count_proof(std::string_view what, std::uint64_t count);

}  // namespace nexus::test
