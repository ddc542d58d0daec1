#include "bench/machine.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#include <fstream>
#include <sstream>
#include <thread>

namespace nexus::bench {
namespace {

/// What stands behind `key` and a colon in a file of lines "key : value"; empty if there is none.
std::string value_in(const std::string& file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    auto colon = line.find(':');
    if (!line.starts_with(key) || colon == line.npos) continue;
    auto start = line.find_first_not_of(" \t", colon + 1);
    return start == line.npos ? "" : line.substr(start);
  }
  return {};
}

std::string first_line_of(const std::string& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line.substr(0, line.find_last_not_of(' ') + 1);
}

/// The type of the file system that is mounted from this device.
std::string file_system_of(const std::string& device) {
  std::ifstream in("/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    std::string number, parent, at, word;
    fields >> number >> parent >> at;
    if (at != device) continue;
    while (fields >> word && word != "-") continue;
    fields >> word;
    return word;
  }
  return "unknown";
}

std::string disk_of(const std::string& device) {
  auto in = "/sys/dev/block/" + device;
  std::string name;
  std::ifstream events(in + "/uevent");
  for (std::string line; std::getline(events, line);)
    if (line.starts_with("DEVNAME=")) name = line.substr(8);
  if (name.empty()) return "unknown";
  auto rotational = first_line_of(in + "/queue/rotational");
  if (rotational.empty()) rotational = first_line_of(in + "/../queue/rotational");  // a partition
  auto model = first_line_of(in + "/device/model");
  auto cache = first_line_of(in + "/queue/write_cache");
  auto out = name;
  if (!model.empty()) out += " (" + model + ")";
  if (!rotational.empty()) out += rotational == "0" ? ", not rotating" : ", rotating";
  if (!cache.empty()) out += ", cache: " + cache;
  return out;
}

std::uint64_t kibibytes(const std::string& text) {
  std::uint64_t value = 0;
  std::istringstream(text) >> value;
  return value * 1024;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> describe_machine(const std::string& directory) {
  utsname system{};
  ::uname(&system);
  struct stat info {};
  ::stat(directory.c_str(), &info);
  auto device = fmt::format("{}:{}", major(info.st_dev), minor(info.st_dev));
  auto processor = value_in("/proc/cpuinfo", "model name");
  return {
      {"processor", processor.empty() ? system.machine : processor},
      {"cores", std::to_string(std::thread::hardware_concurrency())},
      {"memory", fmt::format("{:.1f} GiB",
                             static_cast<double>(kibibytes(value_in("/proc/meminfo", "MemTotal"))) /
                                 (1 << 30))},
      {"kernel", fmt::format("{} {}", system.sysname, system.release)},
      {"file system", file_system_of(device)},
      {"disk", disk_of(device)},
      {"compiler", "g++ " __VERSION__}};
}

resident resident_memory() {
  return {kibibytes(value_in("/proc/self/status", "VmRSS")),
          kibibytes(value_in("/proc/self/status", "VmHWM"))};
}

void reset_peak_memory() {
  std::ofstream("/proc/self/clear_refs") << "5";
}

}  // namespace nexus::bench
