#include "bench/bare_sqlite.hpp"

#include <algorithm>
#include <array>

#include <sqlite3.h>

#include "bench/delivery_load.hpp"
#include "bench/give_up.hpp"
#include "destinations/sqlite.hpp"

namespace nexus::bench {
namespace {

constexpr const char* insert_sql =
    "INSERT INTO memories (payload_id, request_id, source, subject, namespace, destination,"
    " collection, content, model, role, timestamp, idempotency_key, schema_version,"
    " transform_version, actor_type, actor_id, embedding, metadata, sensitivity_labels,"
    " classification_tier)"
    " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(payload_id) DO NOTHING";

}  // namespace

class bare_sqlite::impl {
 public:
  explicit impl(const std::string& path) {
    const std::array first{make_delivery(~0ull, "store")};
    if (destinations::make_sqlite({path})->deliver(first).front().kind !=
        destinations::outcome_kind::delivered)
      give_up("the destination made no table");
    check(sqlite3_open(path.c_str(), &handle_));
    run("PRAGMA journal_mode=WAL");
    run("PRAGMA synchronous=FULL");
    check(sqlite3_prepare_v2(handle_, insert_sql, -1, &insert_, nullptr));
  }
  ~impl() {
    sqlite3_finalize(insert_);
    sqlite3_close(handle_);
  }
  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  void run(const char* sql) { check(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr)); }

  void insert(const destinations::memory_record& row) {
    int index = 0;
    for (const auto& field : destinations::fields_before_version) bind(++index, row.*field.member);
    check(sqlite3_bind_int64(insert_, ++index, row.schema_version));
    for (const auto& field : destinations::fields_after_version) bind(++index, row.*field.member);
    check(sqlite3_bind_null(insert_, ++index));
    bind(++index, "{}");
    bind(++index, "");
    bind(++index, row.classification_tier);
    if (sqlite3_step(insert_) != SQLITE_DONE) give_up(sqlite3_errmsg(handle_));
    check(sqlite3_reset(insert_));
  }

 private:
  void bind(int index, std::string_view text) {
    check(sqlite3_bind_text(insert_, index, text.data(), static_cast<int>(text.size()),
                            SQLITE_STATIC));
  }

  void check(int code) {
    if (code != SQLITE_OK) give_up(sqlite3_errmsg(handle_));
  }

  sqlite3* handle_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
};

bare_sqlite::bare_sqlite(const std::string& path) : impl_(std::make_unique<impl>(path)) {}
bare_sqlite::~bare_sqlite() = default;

void bare_sqlite::insert(std::span<const destinations::memory_record> rows) {
  impl_->run("BEGIN IMMEDIATE");
  for (const auto& row : rows) impl_->insert(row);
  impl_->run("COMMIT");
}

std::vector<destinations::memory_record> records_of(const std::vector<core::entry_ptr>& entries) {
  std::vector<destinations::memory_record> rows;
  rows.reserve(entries.size());
  for (const auto& entry : entries) rows.push_back(must(destinations::record_of(*entry)));
  return rows;
}

double bare_sqlite_rate(const std::string& path,
                        const std::vector<destinations::memory_record>& rows) {
  bare_sqlite store(path);
  const auto start = steady::now();
  for (std::span rest(rows); !rest.empty();) {
    const auto batch = rest.first(std::min(batch_entries, rest.size()));
    store.insert(batch);
    rest = rest.subspan(batch.size());
  }
  return static_cast<double>(rows.size()) / seconds_since(start);
}

}  // namespace nexus::bench
