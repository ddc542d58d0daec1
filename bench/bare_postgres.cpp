#include "bench/bare_postgres.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <span>

#include <libpq-fe.h>

#include "bench/delivery_load.hpp"
#include "bench/give_up.hpp"
#include "bench/workers.hpp"
#include "destinations/postgres.hpp"
#include "destinations/postgres_rows.hpp"

namespace nexus::bench {
namespace {

using destinations::postgres_row;

/// What a table gets for an embedding where the extension `vector` is missing, as it is in a server
/// that was made for this.
constexpr const char* embedding_type = "real[]";

/// `INSERT … VALUES ($1, $2::timestamptz, …)`, of which libpq is told no types.
std::string row_statement(const std::string& table) {
  std::string columns, values;
  int number = 0;
  for (const char* column : destinations::postgres_columns) {
    columns.append(number == 0 ? "" : ", ").append(column);
    values.append(number == 0 ? "$" : ", $").append(std::to_string(number + 1));
    ++number;
  }
  return "INSERT INTO " + table + " (" + columns + ") VALUES (" + values +
         ") ON CONFLICT (payload_id) DO NOTHING";
}

class connection {
 public:
  connection(const std::string& dsn, const std::string& table, postgres_batch how)
      : how_(how), handle_(PQconnectdb(dsn.c_str())) {
    if (PQstatus(handle_.get()) != CONNECTION_OK) give_up(PQerrorMessage(handle_.get()));
    const auto sql = how == postgres_batch::row_by_row
                         ? row_statement(table)
                         : destinations::insert_statement(table, embedding_type);
    expect(PQprepare(handle_.get(), "insert", sql.c_str(), 0, nullptr), PGRES_COMMAND_OK);
    if (how == postgres_batch::row_by_row) PQenterPipelineMode(handle_.get());
  }

  void insert(std::span<const postgres_row> rows) {
    if (how_ == postgres_batch::row_by_row) return insert_row_by_row(rows);
    const destinations::insert_parameters arrays(rows);
    const auto list = arrays.list();
    std::array<const char*, destinations::postgres_columns.size()> values{};
    std::array<int, values.size()> sizes{}, formats{};
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = list[i].bytes.data();
      sizes[i] = static_cast<int>(list[i].bytes.size());
      formats[i] = 1;
    }
    expect(PQexecPrepared(handle_.get(), "insert", static_cast<int>(values.size()), values.data(),
                          sizes.data(), formats.data(), 0),
           PGRES_COMMAND_OK);
  }

 private:
  void insert_row_by_row(std::span<const postgres_row> rows) {
    for (const auto& row : rows) {
      const auto cells = row.cells();
      std::array<const char*, destinations::postgres_columns.size()> values{};
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = cells[i].data();
      if (row.embedding.empty()) values[embedding_column] = nullptr;
      if (!PQsendQueryPrepared(handle_.get(), "insert", static_cast<int>(values.size()),
                               values.data(), nullptr, nullptr, 0))
        give_up(PQerrorMessage(handle_.get()));
    }
    if (!PQpipelineSync(handle_.get())) give_up(PQerrorMessage(handle_.get()));
    for (std::size_t i = 0; i < rows.size(); ++i) {
      expect(PQgetResult(handle_.get()), PGRES_COMMAND_OK);
      if (PQgetResult(handle_.get())) give_up("more than one answer to a statement");
    }
    expect(PQgetResult(handle_.get()), PGRES_PIPELINE_SYNC);
  }

  void expect(PGresult* answer, ExecStatusType status) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> owner(answer, &PQclear);
    if (PQresultStatus(answer) != status) give_up(PQerrorMessage(handle_.get()));
  }

  static constexpr std::size_t embedding_column = 16;

  struct finisher {
    void operator()(PGconn* handle) const noexcept { PQfinish(handle); }
  };
  const postgres_batch how_;
  const std::unique_ptr<PGconn, finisher> handle_;
};

}  // namespace

void make_postgres_table(const std::string& dsn, const std::string& table) {
  destinations::postgres_options options;
  options.dsn = dsn;
  options.table = table;
  const std::array first{make_delivery(~0ull, "store")};
  const auto outcome = must(destinations::make_postgres(options))->deliver(first).front();
  if (outcome.kind != destinations::outcome_kind::delivered) give_up(outcome.reason.c_str());
}

double bare_postgres_rate(const std::string& dsn, const std::string& table,
                          const std::vector<destinations::memory_record>& records,
                          std::size_t connections, postgres_batch how) {
  std::vector<postgres_row> rows;
  for (const auto& record : records)
    rows.push_back({record, std::to_string(record.schema_version), {}, "{}", "{}", nullptr});
  const std::span all(rows);
  const auto seconds = share_batches(rows.size(), connections, [&] {
    return [all, into = std::make_shared<connection>(dsn, table, how)](
               std::size_t first, std::size_t size) { into->insert(all.subspan(first, size)); };
  });
  return static_cast<double>(rows.size()) / seconds;
}

}  // namespace nexus::bench
