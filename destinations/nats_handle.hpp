// Objects of the NATS client library, destroyed with their owner.
#pragma once

#include <memory>

namespace nexus::destinations {

template <class Handle, void (*destroy)(Handle*)>
struct nats_destroyer {
  void operator()(Handle* handle) const { destroy(handle); }
};

/// `destroy`: the library's function for that type, as in
/// `nats_handle<natsMsg, natsMsg_Destroy>`.
template <class Handle, void (*destroy)(Handle*)>
using nats_handle = std::unique_ptr<Handle, nats_destroyer<Handle, destroy>>;

}  // namespace nexus::destinations
