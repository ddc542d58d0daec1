#include "destinations/sqlite_shared_memory.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>

#include <sqlite3.h>

namespace nexus::destinations {

namespace {

constexpr off_t piece = 4096;  // of shared memory, for each of which SQLite writes its last byte

ssize_t write_with_room(int fd, const void* bytes, size_t count, off_t at) {
  const bool is_last_byte = count == 1 && (at + 1) % piece == 0;
  if (is_last_byte && ::fallocate(fd, FALLOC_FL_KEEP_SIZE, at + 1 - piece, piece) != 0 &&
      errno != EOPNOTSUPP) {
    return -1;
  }
  return ::pwrite(fd, bytes, count, at);
}

bool replace_write() {
  sqlite3_vfs* files = sqlite3_vfs_find(nullptr);
  // SQLite uses one of the two, depending on how it was built.
  for (const char* name : {"pwrite", "pwrite64"}) {
    files->xSetSystemCall(files, name, reinterpret_cast<sqlite3_syscall_ptr>(&write_with_room));
  }
  return true;
}

}  // namespace

void reserve_sqlite_shared_memory() {
  [[maybe_unused]] static const bool replaced = replace_write();
}

}  // namespace nexus::destinations
