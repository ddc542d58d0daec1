// Names for requests that bring none (section 3.1 of the v0.1.2 behaviour).
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace nexus::ingest {

/// Makes `<hostname>/<10 letters or digits>-<counter of six digits or more>`: unique among the
/// machines and runs of a site. Any thread.
class request_id_source {
 public:
  request_id_source();
  std::string next();

 private:
  std::string prefix_;
  std::atomic<std::uint64_t> count_{0};
};

}  // namespace nexus::ingest
