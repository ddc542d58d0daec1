#include "bench/delivery_servers.hpp"

#include <cstdio>
#include <optional>
#include <stdexcept>

#include "bench/bare_jetstream.hpp"
#include "bench/bare_postgres.hpp"
#include "bench/bare_sqlite.hpp"
#include "bench/delivery_load.hpp"
#include "bench/delivery_rounds.hpp"
#include "tests/support/nats_cluster.hpp"
#include "tests/support/postgres_server.hpp"

namespace nexus::bench {
namespace {

/// Starts a server, or says why there is none.
template <class Server>
void start(std::optional<Server>& into, const char* name) {
  try {
    into.emplace();
  } catch (const std::runtime_error& why) {
    std::printf("\nLeft out, %s: %s\n", name, why.what());
  }
}

}  // namespace

void bench_postgres(report& out, scratch& disk) {
  std::optional<test::postgres_server> server;
  if (test::postgres_server::installed()) {
    start(server, "PostgreSQL");
  } else {
    std::printf("\nLeft out, PostgreSQL: it is not installed\n");
  }
  if (!server) return;
  constexpr std::size_t count = 300 * batch_entries;
  const auto rows = records_of(make_deliveries(count, "d"));
  const auto dsn = server->dsn();
  const auto connections = make_options("d", "postgres").workers;
  int tables = 0;
  const auto fresh_table = [&] {
    const auto name = "t" + std::to_string(++tables);
    make_postgres_table(dsn, name);
    return name;
  };
  const auto bare = [&](postgres_batch how) {
    return [&, how] { return bare_postgres_rate(dsn, fresh_table(), rows, connections, how); };
  };
  out.table("Delivered and marked, PostgreSQL, " + std::to_string(connections) + " connections",
            rate_columns);
  auto ratio = run_rounds(
      out, {{"bare: prepared INSERTs, pipeline mode", bare(postgres_batch::row_by_row)},
            {"bare: an INSERT of arrays for a batch", bare(postgres_batch::all_at_once)},
            through_pipeline(disk, count, [&] {
              return make_options("d", "postgres", {{"dsn", dsn}, {"table", fresh_table()}});
            })});
  out.check("pipeline / bare, postgres", ratio, ">=", 0.7);
}

void bench_jetstream(report& out, scratch& disk) {
  std::optional<test::nats_cluster> server;
  start(server, "JetStream");
  if (!server) return;
  constexpr std::size_t count = 400 * batch_entries;
  const auto entries = make_deliveries(count, "d");
  const auto connections = make_options("d", "jetstream").workers;
  destinations::jetstream_options options;
  options.urls = {server->url(0)};
  options.stream = "BENCH";
  test::nats_stream stream;
  stream.name = options.stream;
  stream.subjects = {"nexus.*"};
  server->add_stream(stream);
  const auto fresh_stream = [&] {
    server->delete_stream(stream.name);
    server->add_stream(stream);
  };
  out.table("Delivered and marked, JetStream, " + std::to_string(connections) + " connections",
            rate_columns);
  auto ratio = run_rounds(out, {{"bare: asynchronous publish, 256 a batch",
                                 [&] {
                                   fresh_stream();
                                   return bare_jetstream_rate(options, entries, connections);
                                 }},
                                through_pipeline(disk, count, [&] {
                                  fresh_stream();
                                  return make_options(
                                      "d", "jetstream",
                                      {{"url", options.urls.front()}, {"stream", options.stream}});
                                })});
  out.check("pipeline / bare, jetstream", ratio, ">=", 0.7);
}

}  // namespace nexus::bench
