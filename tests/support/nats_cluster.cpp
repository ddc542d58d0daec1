#include "tests/support/nats_cluster.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

#include <nats/nats.h>

#include "destinations/nats_handle.hpp"
#include "tests/support/standstill.hpp"

namespace nexus::test {

namespace {

using destinations::nats_handle;
using std::chrono::milliseconds;
using clock = std::chrono::steady_clock;

/// For anything that must become true; generous, because the machine may be busy.
constexpr std::chrono::seconds patience{60};
/// In milliseconds. A server tells nobody when it has elected a leader or caught up: it must be
/// asked.
constexpr int poll_interval = 20;
constexpr milliseconds request_wait{2'000};

[[noreturn]] void fail(const std::string& what, natsStatus status) {
  throw std::runtime_error(what + ": " + natsStatus_GetText(status));
}

void wait_until(const std::string& what, const std::function<bool()>& holds) {
  const auto deadline = clock::now() + patience;
  while (!holds()) {
    if (clock::now() > deadline) throw std::runtime_error("gave up waiting until " + what);
    ::poll(nullptr, 0, poll_interval);
  }
}

/// Ports that were free a moment ago, all different.
std::vector<std::uint16_t> free_ports(std::size_t count) {
  std::vector<int> sockets;
  std::vector<std::uint16_t> ports;
  for (std::size_t i = 0; i < count; ++i) {
    sockets.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(sockets.back(), generic, length) != 0 ||
        ::getsockname(sockets.back(), generic, &length) != 0) {
      throw std::runtime_error("no free port");
    }
    ports.push_back(ntohs(address.sin_port));
  }
  for (const int each : sockets) ::close(each);
  return ports;
}

/// Only calls that are allowed between fork and exec of a process with threads.
[[noreturn]] void become_server(char* const* arguments, int output) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execvp(arguments[0], arguments);
  ::execv("/usr/sbin/nats-server", arguments);
  ::_exit(127);
}

std::string local(const std::string& scheme, std::uint16_t port) {
  return scheme + "://127.0.0.1:" + std::to_string(port);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == ',') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

nats_message read_message(natsMsg* from) {
  nats_message message;
  message.subject = natsMsg_GetSubject(from);
  message.data.assign(natsMsg_GetData(from), static_cast<std::size_t>(natsMsg_GetDataLength(from)));
  jsMsgMetaData* meta = nullptr;
  if (natsMsg_GetMetaData(&meta, from) == NATS_OK) message.sequence = meta->Sequence.Stream;
  jsMsgMetaData_Destroy(meta);
  const char** names = nullptr;
  int count = 0;
  if (natsMsgHeader_Keys(from, &names, &count) != NATS_OK) return message;
  for (int i = 0; i < count; ++i) {
    const char* value = nullptr;
    if (natsMsgHeader_Get(from, names[i], &value) == NATS_OK) message.headers[names[i]] = value;
  }
  std::free(names);
  return message;
}

}  // namespace

/// A connection for one question.
class nats_cluster::client {
 public:
  client(const nats_options& options, const std::vector<std::string>& urls) {
    std::vector<const char*> servers;
    for (const auto& url : urls) servers.push_back(url.c_str());
    natsOptions* made = nullptr;
    natsOptions_Create(&made);
    const nats_handle<natsOptions, natsOptions_Destroy> how(made);
    natsOptions_SetServers(made, servers.data(), static_cast<int>(servers.size()));
    natsOptions_SetTimeout(made, request_wait.count());
    if (!options.user.empty()) {
      natsOptions_SetUserInfo(made, options.user.c_str(), options.password.c_str());
    }
    if (!options.ca_file.empty()) {
      natsOptions_SetSecure(made, true);
      natsOptions_LoadCATrustedCertificates(made, options.ca_file.c_str());
    }
    natsConnection* connected = nullptr;
    status_ = natsConnection_Connect(&connected, made);
    connection_.reset(connected);
    if (status_ != NATS_OK) return;
    jsOptions wait;
    jsOptions_Init(&wait);
    wait.Wait = request_wait.count();
    jsCtx* context = nullptr;
    status_ = natsConnection_JetStream(&context, connected, &wait);
    context_.reset(context);
  }

  explicit operator bool() const { return status_ == NATS_OK; }
  natsStatus status() const { return status_; }
  jsCtx* jetstream() const { return context_.get(); }

  nats_handle<jsStreamInfo, jsStreamInfo_Destroy> info(const std::string& stream) {
    jsStreamInfo* found = nullptr;
    if (status_ != NATS_OK) return nullptr;
    status_ = js_GetStreamInfo(&found, jetstream(), stream.c_str(), nullptr, nullptr);
    return nats_handle<jsStreamInfo, jsStreamInfo_Destroy>(found);
  }

 private:
  natsStatus status_ = NATS_OK;
  nats_handle<natsConnection, natsConnection_Destroy> connection_;
  nats_handle<jsCtx, jsCtx_Destroy> context_;
};

nats_cluster::nats_cluster(const nats_options& options) : options_(options) {
  nodes_.resize(options.nodes);
  const auto ports = free_ports(2 * options.nodes);
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].port = ports[2 * i];
    nodes_[i].route_port = ports[2 * i + 1];
  }
  try {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      write_config(i);
      launch(i);
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i) wait_until_ready(i);
  } catch (...) {
    for (std::size_t i = 0; i < nodes_.size(); ++i) kill(i);
    throw;
  }
}

nats_cluster::~nats_cluster() {
  for (std::size_t i = 0; i < nodes_.size(); ++i) kill(i);
}

std::string nats_cluster::url(std::size_t node) const {
  return local("nats", nodes_[node].port);
}

std::string nats_cluster::urls() const {
  std::string all;
  for (std::size_t i = 0; i < nodes_.size(); ++i) all += (i == 0 ? "" : ",") + url(i);
  return all;
}

std::string nats_cluster::log(std::size_t node) const {
  return read_file(directory_ / ("n" + std::to_string(node) + ".log"));
}

void nats_cluster::write_config(std::size_t node) const {
  const std::string name = "n" + std::to_string(node);
  std::string text = "listen: \"127.0.0.1:" + std::to_string(nodes_[node].port) + "\"\n";
  text += "server_name: " + name + "\n";
  text += "jetstream { store_dir: \"" + directory_ / (name + "/js") + "\" }\n";
  if (nodes_.size() > 1) {
    text += "cluster { name: test, listen: \"127.0.0.1:" + std::to_string(nodes_[node].route_port) +
            "\", routes: [";
    for (const auto& each : nodes_) {
      text +=
          (&each == &nodes_.front() ? "\"" : ", \"") + local("nats-route", each.route_port) + '"';
    }
    text += "] }\n";
  }
  write_file(directory_ / (name + ".conf"), text + options_.config + '\n');
}

void nats_cluster::launch(std::size_t node) {
  const std::string name = directory_ / ("n" + std::to_string(node));
  std::vector<std::string> words{"nats-server", "-c", name + ".conf"};
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const int log = ::open((name + ".log").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const pid_t pid = ::fork();
  if (pid == 0) become_server(arguments.data(), log);
  ::close(log);
  if (pid < 0) throw std::runtime_error("cannot start nats-server");
  nodes_[node].pid = pid;
}

void nats_cluster::wait_until_ready(std::size_t node) {
  wait_until("server " + std::to_string(node) + " is ready", [&] {
    int status = 0;
    if (::waitpid(nodes_[node].pid, &status, WNOHANG) == nodes_[node].pid) {
      nodes_[node].pid = -1;
      throw std::runtime_error("nats-server ended: " + log(node));
    }
    const client asks(options_, {url(node)});
    if (!asks) return false;
    jsAccountInfo* info = nullptr;
    const auto answered = js_GetAccountInfo(&info, asks.jetstream(), nullptr, nullptr);
    jsAccountInfo_Destroy(info);
    return answered == NATS_OK;
  });
}

void nats_cluster::kill(std::size_t node) {
  auto& pid = nodes_[node].pid;
  if (pid < 0) return;
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  pid = -1;
}

void nats_cluster::restart(std::size_t node) {
  launch(node);
  wait_until_ready(node);
}

void nats_cluster::pause(std::size_t node) {
  bring_to_standstill(nodes_[node].pid);
}

void nats_cluster::resume(std::size_t node) {
  ::kill(nodes_[node].pid, SIGCONT);
}

void nats_cluster::add_stream(const nats_stream& stream) {
  std::vector<const char*> names;
  for (const auto& subject : stream.subjects) names.push_back(subject.c_str());
  jsStreamConfig config;
  jsStreamConfig_Init(&config);
  config.Name = stream.name.c_str();
  config.Subjects = names.data();
  config.SubjectsLen = static_cast<int>(names.size());
  config.Storage = js_FileStorage;
  config.Replicas = stream.replicas;
  config.MaxMsgs = stream.messages_max;
  config.MaxMsgSize = stream.message_bytes_max;
  config.Discard = js_DiscardNew;
  config.Duplicates = std::chrono::nanoseconds(stream.duplicate_window).count();
  // A young cluster may not know all of its members yet.
  wait_until("stream " + stream.name + " is created", [&] {
    const client asks(options_, split(urls()));
    return asks && js_AddStream(nullptr, asks.jetstream(), &config, nullptr, nullptr) == NATS_OK;
  });
  wait_until_current(stream.name);
}

void nats_cluster::delete_stream(const std::string& name) {
  const client asks(options_, split(urls()));
  if (!asks) fail("connect", asks.status());
  const auto status = js_DeleteStream(asks.jetstream(), name.c_str(), nullptr, nullptr);
  if (status != NATS_OK) fail("delete stream " + name, status);
}

std::optional<std::vector<std::string>> nats_cluster::subjects(const std::string& stream) {
  client asks(options_, split(urls()));
  const auto found = asks.info(stream);
  if (asks.status() == NATS_NOT_FOUND) return std::nullopt;
  if (!found) fail("stream " + stream, asks.status());
  std::vector<std::string> names;
  for (int i = 0; i < found->Config->SubjectsLen; ++i) names.push_back(found->Config->Subjects[i]);
  return names;
}

std::optional<std::size_t> nats_cluster::leader(const std::string& stream) {
  client asks(options_, split(urls()));
  const auto found = asks.info(stream);
  if (!found || found->Cluster == nullptr || found->Cluster->Leader == nullptr) return std::nullopt;
  const std::string name = found->Cluster->Leader;
  for (std::size_t i = 0; i < nodes_.size(); ++i) {
    if (name == "n" + std::to_string(i)) return i;
  }
  return std::nullopt;
}

void nats_cluster::wait_until_current(const std::string& stream) {
  wait_until("every replica of " + stream + " is current", [&] {
    client asks(options_, split(urls()));
    const auto found = asks.info(stream);
    if (!found) return false;
    const auto* cluster = found->Cluster;
    if (found->Config->Replicas == 1 || cluster == nullptr) return true;
    if (cluster->Leader == nullptr || *cluster->Leader == '\0') return false;
    if (cluster->ReplicasLen + 1 != found->Config->Replicas) return false;
    for (int i = 0; i < cluster->ReplicasLen; ++i) {
      if (!cluster->Replicas[i]->Current || cluster->Replicas[i]->Offline) return false;
    }
    return true;
  });
}

std::uint64_t nats_cluster::message_count(const std::string& stream) {
  client asks(options_, split(urls()));
  const auto found = asks.info(stream);
  if (!found) fail("stream " + stream, asks.status());
  return found->State.Msgs;
}

std::vector<nats_message> nats_cluster::messages(const std::string& stream) {
  const auto count = message_count(stream);
  std::vector<nats_message> all;
  // A cluster that has just lost a member may need some time to make the consumer.
  wait_until("stream " + stream + " is read", [&] {
    all.clear();
    const client asks(options_, split(urls()));
    if (!asks) return false;
    jsSubOptions how;
    jsSubOptions_Init(&how);
    how.Stream = stream.c_str();
    // Not an ordered consumer: where one falls behind, libnats 3.4.1 may abort.
    how.Config.AckPolicy = js_AckNone;
    natsSubscription* made = nullptr;
    auto status = js_SubscribeSync(&made, asks.jetstream(), ">", nullptr, &how, nullptr);
    const nats_handle<natsSubscription, natsSubscription_Destroy> reading(made);
    if (status == NATS_OK) status = natsSubscription_SetPendingLimits(made, -1, -1);
    while (status == NATS_OK && all.size() < count) {
      natsMsg* next = nullptr;
      status = natsSubscription_NextMsg(&next, made, request_wait.count());
      const nats_handle<natsMsg, natsMsg_Destroy> message(next);
      if (status == NATS_OK) all.push_back(read_message(next));
    }
    return status == NATS_OK;
  });
  return all;
}

}  // namespace nexus::test
