// The ledger on the disk: SQLite with a write-ahead log, written by a thread of its own (design.md 6).
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <expected>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "policy/presence/ledger.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sallyport::guard {

/// One pair as it is to stand in the store; of no state and never cancelled: not at all.
struct StoredPair {
  std::string key;
  policy::presence::Entry entry;
};
/// What of the watched is shown to the watcher: resources, and whether each is in a room.
struct StoredShown {
  std::string key;
  std::vector<std::pair<std::string, bool>> resources;
};

/// Where a lane hands its changes in. Called on the lane's thread.
class LedgerOutlet {
 public:
  /// Changes that are committed together, after all that were handed in before. Gives their number.
  virtual std::uint64_t submit(std::vector<StoredPair> pairs, std::vector<StoredShown> shown) = 0;
  /// The last number that is on the disk.
  virtual std::uint64_t committed() const = 0;
  /// Nothing is committed any more.
  virtual bool has_failed() const = 0;

 protected:
  ~LedgerOutlet() = default;
};

/// One file, `ledger.sqlite3`, in a folder of the guard's own. synchronous=FULL: what is committed outlives a loss of
/// power. A failure of the disk is final until the guard is started again.
class LedgerStore {
 public:
  /// Opens the file, or makes it. Error: why it cannot be used.
  static std::expected<std::unique_ptr<LedgerStore>, std::string> open(const std::filesystem::path& folder);
  ~LedgerStore();

  /// Reads all of it. Before start(). Error: the file is damaged.
  std::expected<void, std::string> read(const std::function<void(const StoredPair&)>& pair,
                                        const std::function<void(const StoredShown&)>& shown);

  /// `news` is called on the store's thread when something was committed or all has failed.
  LedgerOutlet& add_lane(std::function<void()> news);
  /// After all lanes were added.
  void start();
  /// Waits until all that has been handed in by now is on the disk. False: it is not, within `limit` or for good.
  bool await_written(std::chrono::milliseconds limit);
  /// Commits what was handed in and ends the thread.
  void close();

 private:
  class Lane final : public LedgerOutlet {
   public:
    Lane(LedgerStore& store, std::function<void()> news) : store_(store), news_(std::move(news)) {}
    std::uint64_t submit(std::vector<StoredPair> pairs, std::vector<StoredShown> shown) override;
    std::uint64_t committed() const override { return committed_.load(std::memory_order_acquire); }
    bool has_failed() const override { return store_.failed_.load(std::memory_order_acquire); }

   private:
    friend class LedgerStore;
    LedgerStore& store_;
    std::function<void()> news_;
    std::uint64_t submitted_ = 0;
    std::atomic<std::uint64_t> committed_{0};
  };
  struct Batch {
    Lane* lane;
    std::uint64_t number;
    std::vector<StoredPair> pairs;
    std::vector<StoredShown> shown;
  };
  struct Closer {
    void operator()(sqlite3* database) const;
    void operator()(sqlite3_stmt* statement) const;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Closer>;

  LedgerStore() = default;
  bool run(const char* sql);
  bool prepare(Statement& statement, const char* sql);
  bool write(const StoredPair& pair);
  bool write(const StoredShown& shown);
  bool write(const std::deque<Batch>& batches);
  void work();

  std::unique_ptr<sqlite3, Closer> database_;
  Statement put_pair_, drop_pair_, put_shown_, drop_shown_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Batch> queue_;  ///< bounded by what lanes have under way: a parked stanza each, and one batch a second
  std::uint64_t handed_in_ = 0, written_ = 0;  ///< batches
  std::condition_variable written_changed_;
  bool ends_ = false;
  std::atomic<bool> failed_{false};
  std::thread thread_;
};

}  // namespace sallyport::guard
