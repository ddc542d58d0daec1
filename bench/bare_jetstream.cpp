#include "bench/bare_jetstream.hpp"

#include <memory>
#include <span>

#include <nats/nats.h>

#include "bench/delivery_load.hpp"
#include "bench/give_up.hpp"
#include "bench/workers.hpp"
#include "destinations/jetstream_message.hpp"

namespace nexus::bench {
namespace {

using destinations::jetstream_message;

void check(natsStatus status) {
  if (status != NATS_OK) give_up(std::string("NATS: ") + natsStatus_GetText(status));
}

void refused(jsCtx*, jsPubAckErr* what, void*) {
  give_up(std::string("NATS: a message was refused: ") +
          (what->ErrText ? what->ErrText : natsStatus_GetText(what->Err)));
}

class publisher {
 public:
  explicit publisher(const std::string& url) {
    check(natsConnection_ConnectTo(&connection_, url.c_str()));
    jsOptions how;
    jsOptions_Init(&how);
    how.PublishAsync.ErrHandler = refused;
    check(natsConnection_JetStream(&context_, connection_, &how));
  }
  ~publisher() {
    jsCtx_Destroy(context_);
    natsConnection_Destroy(connection_);
  }
  publisher(const publisher&) = delete;
  publisher& operator=(const publisher&) = delete;

  void publish(std::span<const jetstream_message> messages) {
    for (const auto& message : messages) {
      natsMsg* made = nullptr;
      check(natsMsg_Create(&made, message.subject.c_str(), nullptr, message.data.data(),
                           static_cast<int>(message.data.size())));
      for (const auto& [name, value] : message.headers)
        check(natsMsgHeader_Set(made, name, value.c_str()));
      check(js_PublishMsgAsync(context_, &made, nullptr));  // owns it now
    }
    jsPubOptions how;
    jsPubOptions_Init(&how);
    how.MaxWait = 60'000;
    check(js_PublishAsyncComplete(context_, &how));
  }

 private:
  natsConnection* connection_ = nullptr;
  jsCtx* context_ = nullptr;
};

}  // namespace

double bare_jetstream_rate(const destinations::jetstream_options& options,
                           const std::vector<core::entry_ptr>& entries, std::size_t connections) {
  std::vector<jetstream_message> messages;
  for (const auto& entry : entries) messages.push_back(destinations::make_message(options, *entry));
  const std::span all(messages);
  const auto seconds = share_batches(messages.size(), connections, [&] {
    return [all, to = std::make_shared<publisher>(options.urls.front())](
               std::size_t first, std::size_t size) { to->publish(all.subspan(first, size)); };
  });
  return static_cast<double>(messages.size()) / seconds;
}

}  // namespace nexus::bench
