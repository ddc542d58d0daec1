// Counts records by what they say.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "audit/record.hpp"

namespace nexus::audit {

class tally {
 public:
  void add(const record& one);
  statistics result() const;

 private:
  using counts = std::map<std::string, std::uint64_t>;
  static void count(counts& in, const std::string& name);

  std::uint64_t total_ = 0;
  std::uint64_t denied_ = 0;
  core::time_point first_ = core::time_point::max();
  core::time_point last_ = core::time_point::min();
  counts sources_;
  counts actors_;
  counts operations_;
  counts decisions_;
};

}  // namespace nexus::audit
