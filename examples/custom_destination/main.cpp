// A Nexus with one more destination type: "id_file" appends each payload id to a file, a line each.
#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <fstream>
#include <set>

#include <nexus/cli/run.hpp>

namespace dest = nexus::destinations;
using nexus::core::result;

class id_file final : public dest::destination {
 public:
  id_file(const std::string& path, int fd) : fd_(fd) {
    std::ifstream in(path);
    for (std::string id; std::getline(in, id);) known_.insert(id);
  }
  ~id_file() override { ::close(fd_); }

  std::vector<dest::outcome> deliver(std::span<const nexus::core::entry_ptr> batch) override {
    std::string lines;
    std::set<std::string> fresh;
    for (const auto& entry : batch) {
      const auto& id = entry->payload_id;
      // Delivery is at least once: what comes again is there already. The newline in front keeps
      // an id apart from one that a crash has cut off.
      if (!known_.contains(id) && fresh.insert(id).second) lines += "\n" + id + "\n";
    }
    const bool stored = ::write(fd_, lines.data(), lines.size()) == ssize_t(lines.size()) &&
                        ::fdatasync(fd_) == 0;  // "delivered" means: it survives a crash
    if (!stored) {
      return {batch.size(), {dest::outcome_kind::transient, "cannot write the file", {}}};
    }
    known_.merge(fresh);
    return std::vector<dest::outcome>(batch.size());
  }

  result<void> ping() override { return {}; }

 private:
  int fd_;
  std::set<std::string> known_;
};

result<std::unique_ptr<dest::destination>> make_id_file(const dest::settings& how) {
  const std::string& path = how.text("path");
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return nexus::core::os_error(errno, path);
  return std::unique_ptr<dest::destination>(new id_file(path, fd));
}

/// The factory, and the keys of the `[destination]` table that are checked and handed to it.
dest::type_info id_file_type() {
  dest::type_info type;
  type.make = make_id_file;
  type.schema.keys = {
      {.name = "path", .kind = nexus::core::setting_kind::path, .required = true},
  };
  type.workers_default = 1;  // each worker has a file descriptor and a memory of its own
  return type;
}

int main(int argc, char** argv) {
  auto types = dest::builtin_types();
  types.add("id_file", id_file_type());
  return nexus::run(argc, argv, types);
}
