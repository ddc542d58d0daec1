#include "tests/proof/syscalls/fault_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <stdexcept>

namespace nexus::proof {

fault_file::fault_file(const std::string& paths, const fault_kind& kind, std::uint64_t at) {
  const int fd = ::open(path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void* shared =
      fd < 0 || ::ftruncate(fd, sizeof(fault_plan)) != 0
          ? MAP_FAILED
          : ::mmap(nullptr, sizeof(fault_plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd >= 0) ::close(fd);
  if (shared == MAP_FAILED) throw std::runtime_error("cannot map the fault plan");
  plan_ = new (shared) fault_plan;
  if (paths.size() >= plan_->paths.size()) throw std::runtime_error("too long: " + paths);
  std::copy(paths.begin(), paths.end(), plan_->paths.begin());
  plan_->how = kind.how;
  plan_->error_number = kind.error_number;
  plan_->lasting = kind.lasting;
  plan_->at = at;
}

fault_file::~fault_file() {
  ::munmap(plan_, sizeof(fault_plan));
}

// A program that was built with the address sanitizer insists on being the first that is loaded.
fault_file::environment::environment(const fault_file& of)
    : preload_("LD_PRELOAD", NEXUS_FAULTY_CALLS),
      plan_(fault_plan_variable, of.path().c_str()),
      sanitizer_("ASAN_OPTIONS", "verify_asan_link_order=0") {}

}  // namespace nexus::proof
