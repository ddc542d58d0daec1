#include "destinations/postgres.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "destinations/postgres_connection.hpp"
#include "destinations/postgres_rows.hpp"
#include "destinations/postgres_schema.hpp"

namespace nexus::destinations {

namespace {

/// Rows of one statement are at most this large together, unless one alone is larger: the server
/// holds a statement's parameters in memory, and refuses one above a gigabyte.
constexpr std::size_t statement_bytes_max = 16 * 1024 * 1024;

/// How many rows from the front make up the next statement.
std::size_t rows_that_fit(std::span<const postgres_row> rows, std::size_t most) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < std::min(rows.size(), most)) {
    bytes += rows[count].bytes();
    if (count > 0 && bytes > statement_bytes_max) break;
    ++count;
  }
  return count;
}

class postgres_destination final : public destination {
 public:
  postgres_destination(postgres_address address, table_plan plan, std::chrono::milliseconds timeout)
      : plan_(std::move(plan)), timeout_(timeout), connection_(std::move(address)) {}

  std::vector<outcome> deliver(std::span<const core::entry_ptr> batch) override {
    const auto until = deadline();
    std::vector<outcome> outcomes(batch.size());
    if (const auto refused = ready(until)) {
      std::fill(outcomes.begin(), outcomes.end(), outcome{refused->kind, refused->reason, {}});
      close();
      return outcomes;
    }
    std::vector<postgres_row> rows;
    rows.reserve(batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      auto made = make_postgres_row(*batch[i], table_.embedding_type, outcomes[i]);
      if (made) {
        rows.push_back(*std::move(made));
      } else {
        outcomes[i] = {outcome_kind::permanent, made.reason().text, {}};
      }
    }
    write(rows, until);
    return outcomes;
  }

  core::result<void> ping() override {
    const auto until = deadline();
    auto refused = connect(until);
    table_state now;
    if (!refused) refused = look_at_table(now, connection_, plan_, until);
    if (!refused) return {};
    close();
    return to_error(*refused);
  }

  core::result<std::vector<bool>> exists(std::span<const std::string> payload_ids) override {
    const auto until = deadline();
    std::set<std::string, std::less<>> there;
    auto refused = connect(until);
    if (!refused && !table_ready_) {
      refused = look_at_table(table_, connection_, plan_, until);
    }
    if (!refused && table_.exists) refused = find(there, payload_ids, until);
    if (refused) {
      close();
      return to_error(*refused);
    }
    std::vector<bool> found;
    for (const auto& id : payload_ids) found.push_back(there.contains(id));
    return found;
  }

 private:
  postgres_deadline deadline() const { return std::chrono::steady_clock::now() + timeout_; }

  /// Writes rows in their order, each statement a transaction of its own. One that is refused for a
  /// row's sake is tried again with half its rows, until the row is alone: it fails by itself, and
  /// what stands before it is in before what follows it.
  void write(std::span<postgres_row> rows, postgres_deadline until) {
    std::size_t most = rows.size();
    while (!rows.empty()) {
      const std::size_t count = rows_that_fit(rows, most);
      const auto refused = insert(rows.first(count), until);
      if (refused && refused->kind != outcome_kind::permanent) {
        for (postgres_row& each : rows) *each.result = {refused->kind, refused->reason, {}};
        if (refused->kind != outcome_kind::transient) close();
        return;
      }
      if (refused && count > 1) {
        most = count / 2;
        continue;
      }
      if (refused) *rows.front().result = {refused->kind, refused->reason, {}};
      rows = rows.subspan(count);
      most = refused ? 1 : 2 * most;
    }
  }

  std::optional<postgres_fault> insert(std::span<const postgres_row> rows,
                                       postgres_deadline until) {
    const insert_parameters parameters(rows);
    const auto list = parameters.list();
    postgres_rows ignored;
    return connection_.run(ignored, insert_, list, "insert", until);
  }

  std::optional<postgres_fault> find(std::set<std::string, std::less<>>& there,
                                     std::span<const std::string> payload_ids,
                                     postgres_deadline until) {
    std::vector<std::string_view> ids;
    for (const auto& id : payload_ids) {
      if (id.find('\0') == std::string::npos) ids.emplace_back(id);
    }
    const std::string array = text_array(ids);
    const std::array<postgres_parameter, 1> parameters{{{array, true}}};
    postgres_rows rows;
    auto refused = connection_.run(
        rows,
        "SELECT payload_id FROM " + plan_.name.quoted() + " WHERE payload_id = ANY ($1::text[])",
        parameters, "find rows", until);
    for (std::size_t row = 0; !refused && row < rows.size(); ++row) {
      there.emplace(rows.text(row, 0));
    }
    return refused;
  }

  std::optional<postgres_fault> connect(postgres_deadline until) {
    if (connection_ && connection_.stale()) close();
    if (connection_) return std::nullopt;
    return connection_.open(until, timeout_);
  }

  /// Connects, and makes the table the first time. No entry is at fault for what fails here: what
  /// is refused for good (an event trigger that raises, a wrong parameter of the session) needs a
  /// person.
  std::optional<postgres_fault> ready(postgres_deadline until) {
    auto refused = connect(until);
    if (!refused && !table_ready_) refused = make_table(table_, connection_, plan_, until);
    if (refused && refused->kind == outcome_kind::permanent) {
      refused->kind = outcome_kind::config_fault;
    }
    if (refused || table_ready_) return refused;
    insert_ = insert_statement(plan_.name.quoted(), table_.embedding_type);
    table_ready_ = true;
    return std::nullopt;
  }

  /// The next call connects anew, and looks at the table again: a person may have mended it.
  void close() {
    connection_.close();
    table_ready_ = false;
  }

  const table_plan plan_;
  const std::chrono::milliseconds timeout_;
  postgres_connection connection_;
  table_state table_;
  bool table_ready_ = false;
  std::string insert_;
};

std::vector<core::setting_problem> check(const core::setting_values& values) {
  std::vector<core::setting_problem> problems;
  if (const auto dsn = values.find("dsn"); dsn != values.end()) {
    const auto address = parse_address(dsn->second);
    if (!address) problems.push_back({"dsn", address.reason().text});
  }
  if (const auto table = values.find("table"); table != values.end()) {
    const auto name = parse_table_name(table->second);
    if (!name) problems.push_back({"table", name.reason().text});
  }
  return problems;
}

core::result<std::unique_ptr<destination>> make(const settings& from) {
  postgres_options options;
  options.dsn = from.text("dsn");
  options.table = from.text("table");
  options.create_table = from.flag("create_table");
  options.vector_dimensions = static_cast<int>(from.number("vector_dimensions"));
  options.timeout = from.timeout;
  auto made = make_postgres(options);
  if (made) return made;
  return core::error{made.reason().code, "destination " + from.name + ": " + made.reason().text};
}

}  // namespace

core::result<std::unique_ptr<destination>> make_postgres(const postgres_options& options) {
  auto address = parse_address(options.dsn);
  if (!address) return std::move(address).reason();
  auto name = parse_table_name(options.table);
  if (!name) return std::move(name).reason();
  table_plan plan{*std::move(name), options.create_table, options.vector_dimensions};
  return std::unique_ptr<destination>(std::make_unique<postgres_destination>(
      *std::move(address), std::move(plan), options.timeout));
}

type_info postgres_type() {
  constexpr std::int64_t vector_dimensions_max = 16'000;  // of the extension
  type_info info;
  info.make = make;
  info.schema.keys = {
      {.name = "dsn", .kind = core::setting_kind::secret, .required = true},
      {.name = "table", .fallback = "memories"},
      {.name = "create_table", .kind = core::setting_kind::boolean, .fallback = "true"},
      {.name = "vector_dimensions",
       .kind = core::setting_kind::integer,
       .fallback = "1536",
       .least = 1,
       .most = vector_dimensions_max}};
  info.schema.check = check;
  info.in_order = true;
  return info;
}

}  // namespace nexus::destinations
