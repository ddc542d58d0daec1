// Clients that a server should not notice, in a process of their own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <utility>

namespace nexus::bench {

enum class misbehaviour {
  sends_slowly,   ///< 1,000 connections, each a byte of a header every 100 ms
  reads_nothing,  ///< 200 connections that send request after request and read no answer
  opens_many,     ///< 5,000 connections that are opened, and opened again when they are closed
};

/// They come from another address than the other clients of the benchmark. Gone with this object.
class hostile_clients {
 public:
  hostile_clients(std::uint16_t port, misbehaviour how);
  hostile_clients(const hostile_clients&) = delete;
  hostile_clients& operator=(const hostile_clients&) = delete;
  ~hostile_clients();

 private:
  pid_t pid_;
};

}  // namespace nexus::bench
