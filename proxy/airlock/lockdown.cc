#include "proxy/airlock/lockdown.h"

#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <string_view>

#include <grp.h>
#include <linux/sched.h>
#include <pwd.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace sallyport::airlock {
namespace {

std::unexpected<std::string> failed(std::string_view what, int error) {
  return std::unexpected(std::string(what) + ": " + std::strerror(error));
}

/// A network.
constexpr std::initializer_list<int> kNetwork = {
    SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen),
};

/// Other programs and processes, the kernel's settings, other ways to the same calls.
constexpr std::initializer_list<int> kNever = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(kcmp),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(open_tree),
    SCMP_SYS(move_mount),
    SCMP_SYS(fsopen),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(personality),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(capset),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
};

class Filter {
 public:
  Filter() : context_(seccomp_init(SCMP_ACT_ALLOW)) {}
  ~Filter() {
    if (context_ != nullptr) seccomp_release(context_);
  }
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  int load(Confinement confinement) {
    if (context_ == nullptr) return -ENOMEM;
    // Every thread, and no program may be left that runs with fewer limits.
    if (const int error = seccomp_attr_set(context_, SCMP_FLTATR_CTL_TSYNC, 1)) return error;
    for (const int call : kNever) deny(call, EPERM);
    if (confinement == Confinement::Guard)
      for (const int call : kNetwork) deny(call, EPERM);
    // Threads may be made, processes not; the flags of clone3 stand in memory, where no filter can read them.
    deny(SCMP_SYS(clone3), ENOSYS);
    const scmp_arg_cmp no_thread{0, SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0};
    note(seccomp_rule_add_array(context_, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, &no_thread));
    return error_ != 0 ? error_ : seccomp_load(context_);
  }

 private:
  void deny(int call, unsigned error) {
    note(seccomp_rule_add_array(context_, SCMP_ACT_ERRNO(error), call, 0, nullptr));
  }
  void note(int error) {
    if (error != 0 && error_ == 0) error_ = error;
  }

  scmp_filter_ctx context_;
  int error_ = 0;
};

}  // namespace

std::expected<void, std::string> become(const std::string& user) {
  if (user.empty() || geteuid() != 0) return {};
  const passwd* entry = getpwnam(user.c_str());
  if (entry == nullptr) return std::unexpected("there is no user " + user);
  int on_death_of_parent = 0;
  prctl(PR_GET_PDEATHSIG, &on_death_of_parent);
  if (initgroups(user.c_str(), entry->pw_gid) != 0 || setgid(entry->pw_gid) != 0 || setuid(entry->pw_uid) != 0)
    return failed("becoming user " + user, errno);
  // A change of user forgets the signal that `sallyport run` has us get when it dies.
  prctl(PR_SET_PDEATHSIG, on_death_of_parent);
  return {};
}

std::expected<uid_t, std::string> user_id(const std::string& user) {
  if (user.empty()) return geteuid();
  const passwd* entry = getpwnam(user.c_str());
  if (entry == nullptr) return std::unexpected("there is no user " + user);
  return entry->pw_uid;
}

std::expected<void, std::string> lock_down(Confinement confinement) {
  const rlimit no_core{0, 0};
  if (setrlimit(RLIMIT_CORE, &no_core) != 0) return failed("giving up core dumps", errno);
  if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return failed("giving up being traced", errno);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return failed("giving up new privileges", errno);
  if (const int error = Filter().load(confinement); error != 0) return failed("seccomp", -error);
  return {};
}

}  // namespace sallyport::airlock
