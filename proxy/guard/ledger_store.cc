#include "proxy/guard/ledger_store.h"

#include <string_view>

#include <pthread.h>
#include <spdlog/spdlog.h>
#include <sqlite3.h>
#include <sys/stat.h>

namespace sallyport::guard {

using policy::presence::Entry;
using policy::presence::Origin;
using policy::presence::State;

namespace {

constexpr int kVersion = 1;
constexpr int kCancelled = 1, kHeld = 2;  // in the column `cancelled`
constexpr const char* kSchema =
    "CREATE TABLE IF NOT EXISTS pair (key TEXT PRIMARY KEY, state INTEGER NOT NULL, origin INTEGER NOT NULL,"
    " cancelled INTEGER NOT NULL, since INTEGER NOT NULL, asked INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS shown (key TEXT NOT NULL, resource TEXT NOT NULL, room INTEGER NOT NULL,"
    " PRIMARY KEY (key, resource)) WITHOUT ROWID;";

void bind_text(sqlite3_stmt* statement, int place, std::string_view text) {
  sqlite3_bind_text(statement, place, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
}

bool step(sqlite3_stmt* statement) {
  const bool done = sqlite3_step(statement) == SQLITE_DONE;
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
  return done;
}

std::string_view text(sqlite3_stmt* statement, int column) {
  const auto* octets = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
  if (octets == nullptr) return {};
  return {octets, static_cast<std::size_t>(sqlite3_column_bytes(statement, column))};
}

std::uint32_t seconds(sqlite3_stmt* statement, int column) {
  return static_cast<std::uint32_t>(sqlite3_column_int64(statement, column));
}

}  // namespace

void LedgerStore::Closer::operator()(sqlite3* database) const {
  sqlite3_close_v2(database);
}
void LedgerStore::Closer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

bool LedgerStore::run(const char* sql) {
  return sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr) == SQLITE_OK;
}

bool LedgerStore::prepare(Statement& statement, const char* sql) {
  sqlite3_stmt* made = nullptr;
  const bool good =
      sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &made, nullptr) == SQLITE_OK;
  statement.reset(made);
  return good;
}

std::expected<std::unique_ptr<LedgerStore>, std::string> LedgerStore::open(const std::filesystem::path& folder) {
  const std::filesystem::path file = folder / "ledger.sqlite3";
  const auto failed = [&](const LedgerStore& store) {
    const char* why = store.database_ ? sqlite3_errmsg(store.database_.get()) : "out of memory";
    return std::unexpected(file.string() + ": " + why);
  };
  // Nobody else reads who is subscribed to whom.
  const mode_t before = ::umask(0077);
  std::unique_ptr<LedgerStore> store(new LedgerStore());
  sqlite3* database = nullptr;
  const int opened = sqlite3_open_v2(file.c_str(), &database,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  store->database_.reset(database);
  // The exclusive mode keeps other processes out, and needs no shared memory file.
  const bool usable = opened == SQLITE_OK && store->run(
                                                 "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"
                                                 "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY;"
                                                 "BEGIN IMMEDIATE; COMMIT;");
  ::umask(before);
  if (!usable) return failed(*store);
  Statement version;
  if (!store->prepare(version, "PRAGMA user_version") || sqlite3_step(version.get()) != SQLITE_ROW)
    return failed(*store);
  const int found = sqlite3_column_int(version.get(), 0);
  version.reset();
  if (found != 0 && found != kVersion) return std::unexpected(file.string() + ": it was written by another version");
  if (!store->run(kSchema) || !store->run("PRAGMA user_version=1")) return failed(*store);
  const bool prepared =
      store->prepare(store->put_pair_, "INSERT OR REPLACE INTO pair VALUES (?1, ?2, ?3, ?4, ?5, ?6)") &&
      store->prepare(store->drop_pair_, "DELETE FROM pair WHERE key = ?1") &&
      store->prepare(store->put_shown_, "INSERT OR REPLACE INTO shown VALUES (?1, ?2, ?3)") &&
      store->prepare(store->drop_shown_, "DELETE FROM shown WHERE key = ?1");
  if (!prepared) return failed(*store);
  return store;
}

LedgerStore::~LedgerStore() {
  close();
}

std::expected<void, std::string> LedgerStore::read(const std::function<void(const StoredPair&)>& pair,
                                                   const std::function<void(const StoredShown&)>& shown) {
  Statement pairs, resources;
  if (!prepare(pairs, "SELECT key, state, origin, cancelled, since, asked FROM pair") ||
      !prepare(resources, "SELECT key, resource, room FROM shown ORDER BY key"))
    return std::unexpected(sqlite3_errmsg(database_.get()));
  int result = SQLITE_ROW;
  while ((result = sqlite3_step(pairs.get())) == SQLITE_ROW) {
    const int state = sqlite3_column_int(pairs.get(), 1), origin = sqlite3_column_int(pairs.get(), 2);
    const bool known = state >= 0 && state <= static_cast<int>(policy::presence::kLastState) && origin >= 0 &&
                       origin <= static_cast<int>(policy::presence::kLastOrigin);
    if (!known || text(pairs.get(), 0).find('\n') == std::string_view::npos)
      return std::unexpected("the ledger holds a pair that no guard has written");
    StoredPair row{std::string(text(pairs.get(), 0)), {}};
    row.entry.state = static_cast<State>(state);
    row.entry.origin = static_cast<Origin>(origin);
    const int flags = sqlite3_column_int(pairs.get(), 3);
    row.entry.cancelled = (flags & kCancelled) != 0;
    row.entry.held = (flags & kHeld) != 0;
    row.entry.since = seconds(pairs.get(), 4);
    row.entry.asked = seconds(pairs.get(), 5);
    pair(row);
  }
  if (result != SQLITE_DONE) return std::unexpected(sqlite3_errmsg(database_.get()));
  while ((result = sqlite3_step(resources.get())) == SQLITE_ROW) {
    StoredShown row{std::string(text(resources.get(), 0)), {}};
    row.resources.emplace_back(text(resources.get(), 1), sqlite3_column_int(resources.get(), 2) != 0);
    shown(row);
  }
  if (result != SQLITE_DONE) return std::unexpected(sqlite3_errmsg(database_.get()));
  return {};
}

LedgerOutlet& LedgerStore::add_lane(std::function<void()> news) {
  lanes_.push_back(std::make_unique<Lane>(*this, std::move(news)));
  return *lanes_.back();
}

void LedgerStore::start() {
  thread_ = std::thread([this] { work(); });
  pthread_setname_np(thread_.native_handle(), "ledger");
}

bool LedgerStore::await_written(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = handed_in_;
  return written_changed_.wait_for(lock, limit, [&] { return written_ >= wanted; }) && !failed_;
}

void LedgerStore::close() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

std::uint64_t LedgerStore::Lane::submit(std::vector<StoredPair> pairs, std::vector<StoredShown> shown) {
  const std::uint64_t number = ++submitted_;
  {
    const std::lock_guard lock(store_.mutex_);
    if (!has_failed()) {
      store_.queue_.push_back({this, number, std::move(pairs), std::move(shown)});
      ++store_.handed_in_;
    }
  }
  store_.wake_.notify_one();
  return number;
}

bool LedgerStore::write(const StoredPair& row) {
  const Entry& entry = row.entry;
  if (entry.state == State::None && !entry.cancelled && !entry.is_refused()) {
    bind_text(drop_pair_.get(), 1, row.key);
    return step(drop_pair_.get());
  }
  bind_text(put_pair_.get(), 1, row.key);
  sqlite3_bind_int(put_pair_.get(), 2, static_cast<int>(entry.state));
  sqlite3_bind_int(put_pair_.get(), 3, static_cast<int>(entry.origin));
  sqlite3_bind_int(put_pair_.get(), 4, (entry.cancelled ? kCancelled : 0) | (entry.held ? kHeld : 0));
  sqlite3_bind_int64(put_pair_.get(), 5, entry.since);
  sqlite3_bind_int64(put_pair_.get(), 6, entry.asked);
  return step(put_pair_.get());
}

bool LedgerStore::write(const StoredShown& row) {
  bind_text(drop_shown_.get(), 1, row.key);
  if (!step(drop_shown_.get())) return false;
  for (const auto& [resource, room] : row.resources) {
    bind_text(put_shown_.get(), 1, row.key);
    bind_text(put_shown_.get(), 2, resource);
    sqlite3_bind_int(put_shown_.get(), 3, room ? 1 : 0);
    if (!step(put_shown_.get())) return false;
  }
  return true;
}

bool LedgerStore::write(const std::deque<Batch>& batches) {
  if (!run("BEGIN IMMEDIATE")) return false;
  for (const Batch& batch : batches) {
    for (const StoredPair& row : batch.pairs)
      if (!write(row)) return false;
    for (const StoredShown& row : batch.shown)
      if (!write(row)) return false;
  }
  return run("COMMIT");
}

void LedgerStore::work() {
  for (;;) {
    std::deque<Batch> batches;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return ends_ || !queue_.empty(); });
      if (queue_.empty()) return;
      batches.swap(queue_);
    }
    if (write(batches)) {
      for (const Batch& batch : batches) batch.lane->committed_.store(batch.number, std::memory_order_release);
    } else {
      spdlog::critical("the ledger cannot be written, and all presence stops: {}", sqlite3_errmsg(database_.get()));
      run("ROLLBACK");
      failed_.store(true, std::memory_order_release);
    }
    {
      const std::lock_guard lock(mutex_);
      written_ += batches.size();
    }
    written_changed_.notify_all();
    for (const auto& lane : lanes_) lane->news_();
    if (failed_) return;
  }
}

}  // namespace sallyport::guard
