// Room on the disk for the memory that SQLite's connections share (the file -shm).
#pragma once

namespace nexus::destinations {

/// From then on SQLite reserves disk space for all of the memory that it maps, and reports
/// SQLITE_IOERR_SHMSIZE where there is none. By itself it writes one byte in each 4 KiB; on a file
/// system with smaller blocks the others are holes, and on a full disk the first write to one of
/// them ends the process (SIGBUS). Call it before a connection is opened. Any thread; only the
/// first call does something.
void reserve_sqlite_shared_memory();

}  // namespace nexus::destinations
