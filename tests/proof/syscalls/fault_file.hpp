// The file that a fault plan is in, as a test holds it; and the environment in which a process
// carries the plan out.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>

#include "tests/proof/syscalls/fault_plan.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/variable.hpp"

namespace nexus::proof {

/// One fault, in words and as a plan.
struct fault_kind {
  const char* name;
  fault how = fault::none;
  int error_number = 0;
  bool lasting = false;

  bool kills() const { return how == fault::kill_before || how == fault::kill_after; }
  /// Nobody should notice: the call is only to be made again, or to be gone on with.
  bool is_harmless() const {
    return how == fault::none || how == fault::cut_short || error_number == EINTR;
  }
};

class fault_file {
 public:
  /// The `at`-th call on files whose paths begin with `paths`. Throws std::runtime_error.
  fault_file(const std::string& paths, const fault_kind& kind, std::uint64_t at);
  ~fault_file();
  fault_file(const fault_file&) = delete;
  fault_file& operator=(const fault_file&) = delete;

  const fault_plan& plan() const { return *plan_; }
  /// The fault is `calls` calls away from now; of a lasting one it is the beginning.
  void arm(std::uint64_t calls) { plan_->at = plan_->calls + calls; }
  bool has_fired() const { return plan_->fired > 0; }

  /// While it lives, programs that are started carry the plan out.
  class environment {
   public:
    explicit environment(const fault_file& of);

   private:
    test::variable preload_;
    test::variable plan_;
    test::variable sanitizer_;
  };

 private:
  std::string path() const { return directory_ / "plan"; }

  test::temp_dir directory_;
  fault_plan* plan_ = nullptr;
};

}  // namespace nexus::proof
