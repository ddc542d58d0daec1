#include "wal/disk_space.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>

namespace nexus::wal {
namespace {

constexpr std::uint64_t unchecked_bytes_max = 4 << 20;
constexpr auto unchecked_time_max = std::chrono::milliseconds(200);

/// Takes the space from the file system's hands byte by byte.
core::result<void> fill_with_zeros(core::file& file, std::uint64_t from, std::uint64_t to) {
  const std::string zeros(1 << 20, '\0');
  while (from < to) {
    auto piece = std::string_view(zeros).substr(
        0, static_cast<std::size_t>(std::min<std::uint64_t>(zeros.size(), to - from)));
    if (auto written = file.write_at(from, std::span(&piece, 1)); !written) return written;
    from += piece.size();
  }
  return {};
}

/// Gives a file of `size` bytes `wanted` bytes that no one else can have.
core::result<void> take_space(core::file& file, std::uint64_t size, std::uint64_t wanted) {
  if (size > wanted)
    if (auto cut = file.truncate(wanted); !cut) return cut;
  auto taken = file.allocate(wanted);
  if (!taken && taken.reason().code == core::errc::unsupported)
    taken = fill_with_zeros(file, size, wanted);
  if (!taken) return taken;
  return file.sync();
}

std::string megabytes(std::uint64_t bytes) {
  auto tenths = bytes * 10 >> 20;
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " MiB";
}

}  // namespace

disk_space::disk_space(const options& how)
    : how_(how), path_(how.directory + "/" + std::string(reserve_name)) {}

core::result<void> disk_space::keep_reserve() {
  if (has_reserve_) return {};
  auto made = how_.reserve_bytes > 0 ? make_reserve() : core::result<bool>(false);
  if (made && *made) return {};
  // What an earlier run has left, or half a reserve: it would only take space away.
  auto removed = remove_reserve();
  if (!made) return made.reason();
  if (!removed) return removed.reason();
  return {};
}

core::result<bool> disk_space::make_reserve() {
  auto file = how_.files->open_write(path_);
  std::uint64_t size = 0;
  if (file) {
    auto known = (*file)->size();
    if (!known) return known.reason();
    size = *known;
  } else if (file.reason().code != core::errc::not_found) {
    return file.reason();
  }
  if (size < how_.reserve_bytes) {
    auto free = how_.files->free_bytes(how_.directory);
    if (free && *free / 2 < how_.reserve_bytes) return false;
  }
  if (!file) file = how_.files->create(path_);
  if (!file) return file.reason();
  if (auto taken = take_space(**file, size, how_.reserve_bytes); !taken) return taken.reason();
  if (auto synced = how_.files->sync_directory(how_.directory); !synced) return synced.reason();
  return has_reserve_ = true;
}

core::result<void> disk_space::admit(std::uint64_t bytes) {
  if (how_.min_free_bytes == 0) return {};
  auto now = std::chrono::steady_clock::now();
  if (outcome_ && unchecked_bytes_ + bytes <= unchecked_bytes_max &&
      now - checked_at_ < unchecked_time_max) {
    unchecked_bytes_ += bytes;
    return {};
  }
  checked_at_ = now;
  unchecked_bytes_ = bytes;
  outcome_ = {};
  auto free = how_.files->free_bytes(how_.directory);
  if (free && *free < how_.min_free_bytes)
    outcome_ = core::error{core::errc::wal_full,
                           how_.directory + ": only " + megabytes(*free) +
                               " are free on its file system, " + megabytes(how_.min_free_bytes) +
                               " are kept free (min_free_bytes): free some space, entries are "
                               "accepted again by themselves"};
  return outcome_;
}

bool disk_space::release_reserve() {
  auto removed = remove_reserve();
  if (!removed) how_.log->warn(removed.reason().text);
  return removed && *removed;
}

core::result<bool> disk_space::remove_reserve() {
  auto removed = how_.files->remove(path_);
  if (!removed && removed.reason().code == core::errc::not_found) return false;
  if (!removed) return removed.reason();
  has_reserve_ = false;
  // The space is free already; this only keeps the name from coming back after a power cut.
  if (auto synced = how_.files->sync_directory(how_.directory); !synced)
    how_.log->warn(synced.reason().text);
  return true;
}

}  // namespace nexus::wal
