#include "destinations/jetstream_session.hpp"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <mutex>
#include <utility>

#include <nats/nats.h>

#include "destinations/jetstream_answer.hpp"
#include "destinations/nats_handle.hpp"
#include "destinations/nats_subject.hpp"

namespace nexus::destinations {

namespace {

using std::chrono::milliseconds;

/// For one server to accept a connection: another one may be well.
constexpr milliseconds connect_wait_max{2'000};
/// For the socket to take more bytes. Bounds close(), too, which flushes.
constexpr milliseconds write_wait{1'000};
/// A server that leaves this many pings unanswered, one each `ping_interval`, is given up, even if
/// its socket stays open.
constexpr milliseconds ping_interval{2'000};
constexpr int pings_unanswered_max = 2;

using options_handle = nats_handle<natsOptions, natsOptions_Destroy>;
using connection_handle = nats_handle<natsConnection, natsConnection_Destroy>;
using subscription_handle = nats_handle<natsSubscription, natsSubscription_Destroy>;
using message_handle = nats_handle<natsMsg, natsMsg_Destroy>;
using context_handle = nats_handle<jsCtx, jsCtx_Destroy>;
using stream_handle = nats_handle<jsStreamInfo, jsStreamInfo_Destroy>;

bool is_config_fault(natsStatus status) {
  switch (status) {
    case NATS_CONNECTION_AUTH_FAILED:
    case NATS_NOT_PERMITTED:
    case NATS_SSL_ERROR:
    case NATS_SECURE_CONNECTION_WANTED:
    case NATS_SECURE_CONNECTION_REQUIRED:
    case NATS_ADDRESS_MISSING:
    case NATS_INVALID_ARG:
    case NATS_NO_SERVER_SUPPORT:
      return true;
    default:
      return false;
  }
}

outcome fault(natsStatus status, const std::string& what) {
  std::string reason = what + ": " + natsStatus_GetText(status);
  const char* more = nats_GetLastError(nullptr);
  if (more != nullptr && *more != '\0') reason += std::string(" (") + more + ')';
  return {
      is_config_fault(status) ? outcome_kind::config_fault : outcome_kind::unreachable, reason, {}};
}

/// The error of a call of the API for streams: `code` is 0 where JetStream itself did not answer.
outcome api_fault(natsStatus status, jsErrCode code, const std::string& what) {
  if (code == 0) {
    if (status == NATS_NO_RESPONDERS) {
      return {outcome_kind::unreachable,
              what + ": no JetStream answers (is it enabled on the server?)",
              {}};
    }
    return fault(status, what);
  }
  const char* text = nats_GetLastError(nullptr);
  outcome result = outcome_of_error(static_cast<std::uint32_t>(code), 0, text ? text : "");
  result.reason = what + ": " + result.reason;
  return result;
}

std::string joined(const std::vector<std::string>& urls) {
  std::string text;
  for (const auto& url : urls) text += (text.empty() ? "" : ",") + url;
  return text;
}

/// Applies the settings in turn, until one fails.
class option_setter {
 public:
  void operator()(natsStatus next) {
    if (status == NATS_OK) status = next;
  }
  natsStatus status = NATS_OK;
};

natsStatus set_credentials(natsOptions* to, const jetstream_options& from) {
  option_setter set;
  if (!from.token.empty()) set(natsOptions_SetToken(to, from.token.c_str()));
  if (!from.user.empty()) {
    set(natsOptions_SetUserInfo(to, from.user.c_str(), from.password.c_str()));
  }
  if (!from.credentials_file.empty()) {
    set(natsOptions_SetUserCredentialsFromFiles(to, from.credentials_file.c_str(), nullptr));
  }
  return set.status;
}

natsStatus set_encryption(natsOptions* to, const jetstream_options& from) {
  option_setter set;
  const bool wanted = !from.ca_file.empty() || !from.cert_file.empty() ||
                      std::any_of(from.urls.begin(), from.urls.end(),
                                  [](const std::string& url) { return url.starts_with("tls://"); });
  if (wanted) set(natsOptions_SetSecure(to, true));
  if (!from.ca_file.empty()) {
    set(natsOptions_LoadCATrustedCertificates(to, from.ca_file.c_str()));
  }
  if (!from.cert_file.empty()) {
    set(natsOptions_LoadCertificatesChain(to, from.cert_file.c_str(), from.key_file.c_str()));
  }
  return set.status;
}

natsStatus set_options(natsOptions* to, const jetstream_options& from, milliseconds connect_wait) {
  std::vector<const char*> urls;
  for (const auto& url : from.urls) urls.push_back(url.c_str());
  option_setter set;
  set(natsOptions_SetServers(to, urls.data(), static_cast<int>(urls.size())));
  set(natsOptions_SetName(to, "nexus"));
  set(natsOptions_SetTimeout(to, connect_wait.count()));
  set(natsOptions_SetAllowReconnect(to, false));
  set(natsOptions_SetWriteDeadline(to, write_wait.count()));
  set(natsOptions_SetPingInterval(to, ping_interval.count()));
  set(natsOptions_SetMaxPingsOut(to, pings_unanswered_max));
  set(set_credentials(to, from));
  set(set_encryption(to, from));
  return set.status;
}

/// The library reports a file that it cannot read in the same way as a server that is down.
std::optional<outcome> unreadable_file(const jetstream_options& options) {
  for (const auto* file :
       {&options.credentials_file, &options.ca_file, &options.cert_file, &options.key_file}) {
    if (file->empty() || ::access(file->c_str(), R_OK) == 0) continue;
    return outcome{outcome_kind::config_fault, *file + " cannot be read", {}};
  }
  return std::nullopt;
}

/// Replies on their way from the library's thread to ours. An asynchronous subscription, because a
/// synchronous one reports "no responders" without saying for which message.
class reply_queue {
 public:
  void push(jetstream_reply reply) {
    bool enough = false;
    {
      const std::lock_guard lock(mutex_);
      replies_.push_back(std::move(reply));
      enough = replies_.size() >= wanted_;
    }
    if (enough) arrived_.notify_one();
  }

  /// Whatever has come when so many are there, or when the time is over.
  std::vector<jetstream_reply> take(std::size_t wanted, milliseconds wait) {
    std::unique_lock lock(mutex_);
    wanted_ = wanted;
    arrived_.wait_for(lock, wait, [this] { return replies_.size() >= wanted_; });
    return std::exchange(replies_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<jetstream_reply> replies_;
  std::size_t wanted_ = 1;
};

/// The library may still be in a callback when a subscription has been destroyed, so the callbacks
/// share the queue; the last one of a subscription lets go of it.
using shared_queue = std::shared_ptr<reply_queue>;

void take_reply(natsConnection*, natsSubscription*, natsMsg* received, void* closure) {
  const message_handle owner(received);
  jetstream_reply reply;
  const std::string_view subject = natsMsg_GetSubject(received);
  const auto digits = subject.substr(subject.rfind('.') + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), reply.token);
  reply.no_responders = natsMsg_IsNoResponders(received);
  reply.body.assign(natsMsg_GetData(received),
                    static_cast<std::size_t>(natsMsg_GetDataLength(received)));
  (*static_cast<shared_queue*>(closure))->push(std::move(reply));
}

void release_queue(void* closure) {
  delete static_cast<shared_queue*>(closure);
}

}  // namespace

struct jetstream_session::handles {
  connection_handle connection;
  context_handle context;
  std::string inbox;  ///< ends in a dot; a token follows
  subscription_handle subscription;
  shared_queue replies = std::make_shared<reply_queue>();

  natsStatus open(natsOptions* options) {
    natsConnection* made = nullptr;
    natsStatus status = natsConnection_Connect(&made, options);
    connection.reset(made);
    if (status != NATS_OK) return status;
    natsInbox* name = nullptr;
    status = natsInbox_Create(&name);
    if (status != NATS_OK) return status;
    inbox = std::string(name) + '.';
    natsInbox_Destroy(name);
    status = subscribe();
    if (status != NATS_OK) return status;
    jsCtx* js = nullptr;
    status = natsConnection_JetStream(&js, made, nullptr);
    context.reset(js);
    return status;
  }

  natsStatus subscribe() {
    auto closure = std::make_unique<shared_queue>(replies);
    natsSubscription* made = nullptr;
    natsStatus status = natsConnection_Subscribe(&made, connection.get(), (inbox + '*').c_str(),
                                                 take_reply, closure.get());
    subscription.reset(made);
    if (status != NATS_OK) return status;
    status = natsSubscription_SetOnCompleteCB(made, release_queue, closure.release());
    if (status != NATS_OK) return status;
    return natsSubscription_SetPendingLimits(made, -1, -1);
  }
};

jetstream_session::jetstream_session(const jetstream_options& options) : options_(options) {}

jetstream_session::~jetstream_session() {
  close();
}

bool jetstream_session::connected() const {
  return handles_ &&
         natsConnection_Status(handles_->connection.get()) == NATS_CONN_STATUS_CONNECTED;
}

std::optional<outcome> jetstream_session::connect(milliseconds timeout) {
  close();
  if (auto unreadable = unreadable_file(options_)) return unreadable;
  const auto servers = static_cast<milliseconds::rep>(options_.urls.size());
  const auto each = std::clamp(timeout / servers, milliseconds{1}, connect_wait_max);
  const std::string what = "connect to " + joined(options_.urls);
  natsOptions* made = nullptr;
  natsStatus status = natsOptions_Create(&made);
  const options_handle options(made);
  if (status == NATS_OK) status = set_options(made, options_, each);
  auto opened = std::make_unique<handles>();
  if (status == NATS_OK) status = opened->open(made);
  if (status != NATS_OK) return fault(status, what);
  handles_ = std::move(opened);
  return std::nullopt;
}

void jetstream_session::close() {
  handles_.reset();
  nats_ReleaseThreadMemory();
}

std::optional<outcome> jetstream_session::publish(const jetstream_message& message,
                                                  std::uint64_t token) {
  const std::string reply = handles_->inbox + std::to_string(token);
  natsMsg* made = nullptr;
  natsStatus status = natsMsg_Create(&made, message.subject.c_str(), reply.c_str(),
                                     message.data.data(), static_cast<int>(message.data.size()));
  const message_handle owner(made);
  for (const auto& [name, value] : message.headers) {
    if (status == NATS_OK) status = natsMsgHeader_Set(made, name, value.c_str());
  }
  if (status == NATS_OK) status = natsConnection_PublishMsg(handles_->connection.get(), made);
  if (status == NATS_OK) return std::nullopt;
  if (status == NATS_MAX_PAYLOAD) {
    return outcome{
        outcome_kind::permanent, "the message is larger than the server's max_payload", {}};
  }
  close();
  return outcome{
      outcome_kind::unreachable, std::string("publish: ") + natsStatus_GetText(status), {}};
}

std::vector<jetstream_reply> jetstream_session::replies(std::size_t wanted, milliseconds wait) {
  return handles_->replies->take(wanted, wait);
}

std::optional<std::string> jetstream_session::refused_right() const {
  if (!handles_) return std::nullopt;
  const char* text = nullptr;
  if (natsConnection_GetLastError(handles_->connection.get(), &text) != NATS_NOT_PERMITTED) {
    return std::nullopt;
  }
  return text;
}

std::optional<outcome> jetstream_session::find_stream(stream_state& found, milliseconds timeout) {
  jsOptions how;
  jsOptions_Init(&how);
  how.Wait = std::max(timeout, milliseconds{1}).count();
  jsStreamInfo* info = nullptr;
  auto code = static_cast<jsErrCode>(0);
  const natsStatus status =
      js_GetStreamInfo(&info, handles_->context.get(), options_.stream.c_str(), &how, &code);
  const stream_handle owner(info);
  found = {};
  if (code == JSStreamNotFoundErr || (status == NATS_NOT_FOUND && code == 0)) return std::nullopt;
  if (status != NATS_OK) return api_fault(status, code, "stream \"" + options_.stream + '"');
  found.exists = true;
  for (int i = 0; i < info->Config->SubjectsLen; ++i) {
    found.subjects.emplace_back(info->Config->Subjects[i]);
  }
  return std::nullopt;
}

std::optional<outcome> jetstream_session::create_stream(milliseconds timeout) {
  jsOptions how;
  jsOptions_Init(&how);
  how.Wait = std::max(timeout, milliseconds{1}).count();
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  const std::string wildcard = template_wildcard(options_.subject);
  const char* subject = wildcard.c_str();
  config.Name = options_.stream.c_str();
  config.Subjects = &subject;
  config.SubjectsLen = 1;
  config.Storage = js_FileStorage;
  config.Replicas = options_.replicas;
  config.Duplicates =
      std::chrono::duration_cast<std::chrono::nanoseconds>(options_.duplicate_window).count();
  auto code = static_cast<jsErrCode>(0);
  const natsStatus status = js_AddStream(nullptr, handles_->context.get(), &config, &how, &code);
  // Another worker was faster.
  if (status == NATS_OK || code == JSStreamNameExistErr) return std::nullopt;
  auto refused = api_fault(status, code, "create stream \"" + options_.stream + '"');
  // What an entry could meet as `transient` is here a configuration that the server refuses.
  if (refused.kind == outcome_kind::transient) refused.kind = outcome_kind::config_fault;
  return refused;
}

}  // namespace nexus::destinations
