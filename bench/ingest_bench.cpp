// The HTTP door: acknowledged writes beside a server that only reads and answers.
//
// The server runs in a process of its own, with the log on the disk of the current directory and a
// destination that takes everything at once; the clients are one thread of this process, on the
// same machine. docs/performance.md says what is measured, and how to read it.
#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <thread>

#include "bench/bare_http.hpp"
#include "bench/give_up.hpp"
#include "bench/hostile_clients.hpp"
#include "bench/http_load.hpp"
#include "bench/machine.hpp"
#include "bench/report.hpp"
#include "bench/wal_load.hpp"
#include "cli/child_server.hpp"

namespace {

using namespace nexus;
using namespace nexus::bench;
using namespace std::chrono_literals;

constexpr auto warm_up = 200ms;
constexpr auto length = 1000ms;
constexpr std::size_t rounds = 3;
constexpr std::string_view key = "bfn_data_0123456789abcdef";

void write_file(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
}

std::string make_home(scratch& disk, const std::string& destination) {
  const std::string home = disk.fresh();
  write_file(home + "/daemon.toml",
             "[daemon]\nmode = \"simple\"\nadmin_token = \"bfn_admin_0123456789abcdef\"\n");
  write_file(home + "/sources/main.toml",
             "[source]\nname = \"main\"\napi_key = \"" + std::string(key) +
                 "\"\ncan_write = true\n[source.rate_limit]\nrequests_per_minute = 1000000000\n"
                 "[source.idempotency]\nenabled = true\n[source.mapping]\n"
                 "content = \"message.content\"\nrole = \"message.role\"\nmodel = \"model\"\n");
  write_file(home + "/destinations/out.toml",
             "[destination]\nname = \"out\"\ntype = \"" + destination + "\"\n");
  return home;
}

std::unique_ptr<cli::child_server> start_server(scratch& disk, const char* program,
                                                const std::string& destination = "none") {
  cli::child_server::options how;
  how.program = program;
  how.home = make_home(disk, destination);
  how.log_file = how.home + "/server.log";
  return must(cli::child_server::start(how));
}

/// A client's JSON of about so many bytes.
std::string make_body(std::size_t bytes) {
  const std::string before = R"({"message":{"role":"user","content":")";
  const std::string after = R"("},"model":"demo","session":"3f2a","lang":"en"})";
  std::string text;
  while (before.size() + text.size() + after.size() < bytes) text += "words in a row ";
  text.resize(bytes - before.size() - after.size());
  return before + text + after;
}

std::string make_lines(std::size_t count, std::size_t bytes) {
  const std::string line = make_body(bytes) + "\n";
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += line;
  return all;
}

/// Seconds of processor time that a process has used.
double processor_seconds(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string text{std::istreambuf_iterator<char>(in), {}};
  std::istringstream rest(text.substr(text.rfind(')') + 2));
  std::string skipped;
  for (int field = 3; field < 14; ++field) rest >> skipped;
  double user = 0, system = 0;
  rest >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

/// Returns once the process has done nothing for longer than the log's maintenance waits. What it
/// has put off belongs to its own figures, and must not slow down who comes next.
void await_quiet(pid_t pid) {
  constexpr int looks = 7;
  const auto begun = steady::now();
  double before = processor_seconds(pid);
  for (int quiet = 0; quiet < looks;) {
    std::this_thread::sleep_for(100ms);
    if (seconds_since(begun) > 60) give_up("the server is busy without any load");
    const double now = processor_seconds(pid);
    quiet = now - before < 0.02 ? quiet + 1 : 0;
    before = now;
  }
}

/// One server under the same load, round after round.
struct contestant {
  std::string name;
  std::uint16_t port;
  pid_t pid;
  bool puts_off;  ///< work until it is quiet
  std::vector<double> rates{}, p50{}, p99{}, p999{}, cpu{}, ratios{};

  void measure(std::size_t connections, const request_template& what) {
    const double before = processor_seconds(pid);
    const auto begun = steady::now();
    auto result = run_load(port, connections, what, warm_up, length);
    const double requests = result.per_second() * seconds_since(begun);
    if (puts_off) await_quiet(pid);
    rates.push_back(result.per_second());
    cpu.push_back((processor_seconds(pid) - before) / requests * 1e6);
    p50.push_back(percentile(result.latencies, 0.5) * 1e3);
    p99.push_back(percentile(result.latencies, 0.99) * 1e3);
    p999.push_back(percentile(result.latencies, 0.999) * 1e3);
  }
};

const std::vector<std::string> columns{"requests/s", "of bare",  "p50 ms",
                                       "p99 ms",     "p99.9 ms", "us CPU/request"};

/// The first is what the others are compared with.
void run_contest(report& out, std::vector<contestant>& all, std::size_t connections,
                 const request_template& what) {
  for (auto& one : all) one = {one.name, one.port, one.pid, one.puts_off};
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < all.size(); ++i)
      all[(round + i) % all.size()].measure(connections, what);
    for (auto& one : all) one.ratios.push_back(one.rates.back() / all.front().rates.back());
  }
  for (const auto& one : all)
    out.row(one.name,
            {fixed(median(one.rates), 0), fixed(median(one.ratios), 2), fixed(median(one.p50), 2),
             fixed(median(one.p99), 2), fixed(median(one.p999), 2), fixed(median(one.cpu), 1)});
}

contestant as_contestant(const std::string& name, const bare_server& server) {
  return {name, server.port(), server.pid(), false};
}
contestant as_contestant(const std::string& name, const cli::child_server& server) {
  return {name, server.port(), server.pid(), true};
}

void bench_writes(report& out, scratch& disk) {
  const auto loop = bare_server::epoll_loop();
  const auto server = bare_server::http_server();
  const auto nexus = start_server(disk, NEXUS_INGEST_SERVER);
  const auto no_sync = start_server(disk, NEXUS_INGEST_SERVER_NO_SYNC);
  std::vector<contestant> all{as_contestant("bare: an epoll loop that reads and answers", loop),
                              as_contestant("http::server that reads and answers", server),
                              as_contestant("nexus without syncs", *no_sync),
                              as_contestant("nexus", *nexus)};
  for (const std::size_t bytes : {std::size_t{300}, std::size_t{4096}}) {
    const auto what =
        make_post("/inbound/main", std::string(key), "application/json", make_body(bytes));
    for (const std::size_t connections : {1, 16, 64, 256}) {
      out.table(std::to_string(connections) + " connections, bodies of " + std::to_string(bytes) +
                    " bytes",
                columns);
      run_contest(out, all, connections, what);
      if (connections != 64 || bytes != 300) continue;
      out.check("nexus / bare server, 64 connections", median(all.back().ratios), ">=", 0.6);
      out.check("p99 in ms, 64 connections", median(all.back().p99), "<=", 10);
    }
  }
}

void bench_sqlite(report& out, scratch& disk) {
  const auto loop = bare_server::epoll_loop();
  const auto nexus = start_server(disk, NEXUS_INGEST_SERVER, "sqlite");
  std::vector<contestant> all{as_contestant("bare: an epoll loop that reads and answers", loop),
                              as_contestant("nexus, delivering into SQLite meanwhile", *nexus)};
  out.table("64 connections, bodies of 300 bytes, a real destination on the same cores", columns);
  run_contest(out, all, 64,
              make_post("/inbound/main", std::string(key), "application/json", make_body(300)));
}

void bench_batches(report& out, scratch& disk) {
  constexpr std::size_t entries = 100;
  const auto nexus = start_server(disk, NEXUS_INGEST_SERVER);
  const auto what = make_post("/inbound/main/batch", std::string(key), "application/x-ndjson",
                              make_lines(entries, 300));
  out.table("Batches of 100 lines of 300 bytes, 16 connections", {"entries/s", "p99 ms"});
  std::vector<double> rates, latencies;
  const auto measure = [&](std::chrono::milliseconds how_long) {
    auto result = run_load(nexus->port(), 16, what, warm_up, how_long);
    rates.push_back(result.per_second() * static_cast<double>(entries));
    latencies.push_back(percentile(result.latencies, 0.99) * 1e3);
  };
  // Without a pause: the log has to settle meanwhile what it would put off otherwise.
  measure(10 * length);
  out.row("nexus, ten seconds on end", {fixed(rates.back(), 0), fixed(latencies.back(), 2)});
  out.check("entries/s in batches of 100, ten seconds on end", rates.back(), ">=", 250'000);
  rates.clear();
  latencies.clear();
  for (std::size_t round = 0; round < rounds; ++round) {
    await_quiet(nexus->pid());
    measure(length);
  }
  out.row("nexus, a second each", {fixed(median(rates), 0), fixed(median(latencies), 2)});
  out.check("entries/s in batches of 100, a second each", median(rates), ">=", 250'000);
}

/// The p99 of well-behaved clients beside others, in turns with and without them; and beside the
/// same ones who are after another server of our kind. That is what the machine makes of them: it
/// is no fault of the server that is measured.
void bench_fairness(report& out, scratch& disk) {
  const auto nexus = start_server(disk, NEXUS_INGEST_SERVER);
  const auto elsewhere = bare_server::http_server();
  const auto what =
      make_post("/inbound/main", std::string(key), "application/json", make_body(300));
  const auto p99 = [&] {
    auto result = run_load(nexus->port(), 4, what, warm_up, length);
    return percentile(result.latencies, 0.99) * 1e3;
  };
  const auto p99_beside = [&](misbehaviour how, std::uint16_t port) {
    const hostile_clients others(port, how);
    std::this_thread::sleep_for(1s);  // they get into their places
    return p99();
  };
  out.table("Four clients beside one that misbehaves, p99 in ms",
            {"alone", "elsewhere", "beside", "beside/alone"});
  const std::vector<std::pair<std::string, misbehaviour>> kinds{
      {"1,000 slow senders", misbehaviour::sends_slowly},
      {"200 that read no answer", misbehaviour::reads_nothing},
      {"5,000 connections", misbehaviour::opens_many}};
  for (const auto& [name, how] : kinds) {
    std::vector<double> alone, apart, beside, ratios;
    for (std::size_t round = 0; round < 5; ++round) {
      alone.push_back(p99());
      apart.push_back(p99_beside(how, elsewhere.port()));
      beside.push_back(p99_beside(how, nexus->port()));
      ratios.push_back(beside.back() / alone.back());
    }
    out.row(name, {fixed(median(alone), 2), fixed(median(apart), 2), fixed(median(beside), 2),
                   fixed(median(ratios), 2)});
    out.check("p99 beside " + name + " / alone", median(ratios), "<=", 1.2);
  }
}

void raise_file_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  report out(argc, argv);
  raise_file_limit();
  scratch disk;
  out.machine(describe_machine(disk.path()));
  bench_writes(out, disk);
  bench_batches(out, disk);
  bench_sqlite(out, disk);
  bench_fairness(out, disk);
  return out.finish();
}
