// The supervisor: one thread, one loop, one service. What it decides is in lib/update; here is what
// the operating system does about it.
//
//   GW_TRY(auto supervisor, Supervisor::make(options, clock, log));
//   GW_TRY(os::Exit exit, supervisor->run());      // as the service ended
//
// An update, and what survives a crash at each step: the new binary lies beside the old one, whole
// and durable, or not at all; a trial is on the disk before the old service is told to end; the
// link moves by one rename; a new binary that fails is on the disk as bad before the link goes
// back. Whenever the machine stops, the link leads to a whole binary, and the next start knows
// whether that is on trial.
//
// Belongs to the thread that makes it: the service ends with it (PDEATHSIG).
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/result.h"
#include "build/client.h"
#include "os/control_socket.h"
#include "os/dir.h"
#include "os/loop.h"
#include "os/notify_relay.h"
#include "os/process.h"
#include "os/socket_file.h"
#include "os/systemd.h"
#include "supervise/binary_identity.h"
#include "supervise/handover.h"
#include "supervise/installation.h"
#include "supervise/options.h"
#include "supervise/service.h"
#include "supervise/state.h"
#include "supervise/task.h"
#include "supervise/web.h"
#include "update/machine.h"

namespace gw::supervise {

// Wrong passwords a minute that the page may pass on; it counts by address besides.
inline constexpr unsigned kMostPasswords = 300;
// Exits of a new version count for so long.
inline constexpr std::chrono::minutes kWatched{10};

class Supervisor {
 public:
  // Takes the directory's lock and reads its state; starts nothing. kUnavailable: another
  // supervisor has it; kNotFound, kUsage: the service's file, an option.
  static Result<std::unique_ptr<Supervisor>> make(Options options, const Clock& clock,
                                                  const Logger& log,
                                                  std::optional<Handover> handover = {});
  // All that make() would refuse but the lock; changes nothing. For one that is asked whether it
  // would take over: what it does not say, the service ends by.
  static Status check(const Options& options);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Until the service has ended. An error: it could not be started.
  Result<os::Exit> run();

 private:
  // What is to be installed, from the wish to the trial.
  struct Wanted {
    build::Key key;
    std::string by;         // "schedule", "control"
    bool local = false;     // `file` is here already
    std::string file = {};  // beside the link, once it is there
    std::string sum = {};
    std::string source = {};  // a file whose bytes they are, instead of a download
    bool built_here = false;
    update::Target target() const { return {key.version, key.go_version}; }
  };

  // What was told to end and is nobody's service any more.
  struct Retired {
    explicit Retired(os::Child c) : child(std::move(c)) {}
    os::Child child;
    os::Loop::Watch watch;
    os::Loop::Timer timer;
  };

  // Where the page is, whether or not it runs.
  struct PageSocket {
    std::string address;  // as it was given
    os::Fd fd;
    os::Loop::Watch watch;
    std::optional<os::SocketFile> file;
  };

  Supervisor(Options options, const Clock& clock, const Logger& log, Installation installation,
             os::Dir directory)
      : options_(std::move(options)),
        clock_(clock),
        log_(log),
        passwords_(clock, kMostPasswords),
        password_lines_(clock),
        installation_(std::move(installation)),
        directory_(std::move(directory)) {}

  // the start, and what its loop waits for: supervisor.cc
  Status open();
  Status load_state();
  Status begin();
  Status watch_signals();
  void on_signal(int number);
  void reap_orphans();
  // what a start finds: supervisor_start.cc
  Status end_leftovers();
  Status start_first();
  void find_users();
  Status open_control();
  void settle_trial();
  // the table: supervisor_table.cc
  void happen(update::Event event);
  std::optional<update::Event> act(update::Action action);

  // service and trial: supervisor_actions.cc
  Status start_service();
  Status start_beside();
  void on_beside_exit();
  void drop_beside();
  void take_over();
  void retire(os::Child child);
  void on_retired_exit(Retired* one);
  void note_others();
  void on_exit();
  void ask_to_end();
  void kill_all();
  void begin_trial();
  void probe();
  void on_probe(const os::Exit& exit);
  void run_before();
  std::optional<update::Event> switch_to_new();
  void switch_back();
  // supervisor_records.cc
  Status record_trial();
  void record_kept();
  void record_failure();
  void record_veto();
  void record_bad();
  void record_cancel();
  void forget_trial();
  void keep_file(const std::string& file);
  Status check_sum(const std::string& file);
  Status leave_changed_file();
  void remove_old();
  void run_telling(const char* name, Task::Options task, std::optional<Job> by_helper);

  // a new gwtool in this one's place: supervisor_replace.cc
  Status adopt_service();
  Status take_lock_left();
  void take_sockets_left();
  Handover what_is_left() const;
  bool is_other_program() const;
  void consider_replacement();
  Status check_idle() const;
  Status start_replacement();
  void replacement_answered(const os::Exit& exit);
  void refuse_replacement(Error error);
  Status replace_program();

  // the service manager: supervisor_manager.cc
  Status take_from_manager();
  void note_listen_file(int fd);
  void remove_listen_files();
  void heard(const os::Notification& notification);
  void relay_to_manager(const os::Notification& notification);
  void feed_watchdog();
  Status set_watchdog(std::chrono::microseconds interval);
  void reset_watchdog();

  // versions: supervisor_checks.cc
  void start_check();
  void on_discovered(const Discovered& found);
  void check_ended(const update::Target& asked, const os::Exit& exit);
  void check_failed(const Error& error);
  void forget_wrong_times();
  void check_anew();
  void plan_anew();
  void schedule_check();
  void notified();
  void forget_old_versions();
  std::vector<mod::Component> components() const;
  void learn_vulnerabilities(const Discovered& found);
  void forget_mended(const update::Target& target);
  bool forget_retracted(const Discovered& found);
  // whether and when one is installed: supervisor_updates.cc
  update::Plan plan() const;
  std::string why_not() const;
  void replan();
  Status want(Wanted wanted);
  void cancel(std::string why);
  // its binary: supervisor_fetch.cc
  void start_fetch();
  Status on_fetch_frame(const Frame& frame);
  Status take_proof(const Frame& frame);
  Status settle_answers();
  void fetch_output(std::string_view bytes);
  void fetch_done(const os::Exit& exit);
  Status finish_fetch();
  Status read_source();
  Status take_bytes(int file, const std::string& name);
  Status take_incoming(const std::string& sum);
  void fail_fetch(const Error& error);
  // builds made here, and those that are there before they are due: supervisor_builds.cc
  void prefetch(const update::Target& target);
  void start_local_build();
  Result<std::unique_ptr<Task>> run_build(const build::Key& key);
  void local_build_ended(const os::Exit& exit);
  Status finish_local_build(const os::Exit& exit);
  Status take_built();
  Result<std::string> builder_directory() const;
  std::string remembered_head(std::size_t service) const;
  Status remember_heads();
  // supervisor_helper.cc
  static constexpr const char* kCallList = "call list";
  void note_refused(const std::string& part, const std::string& why);
  Json helper_json() const;
  Result<os::Spawn> helper_spawn(const std::optional<os::User>& user) const;
  Result<std::unique_ptr<Task>> start_helper(Job job, Task::Options task,
                                             const std::optional<os::User>& user);

  // the page: supervisor_web.cc
  void open_page();
  WebOptions page_options() const;
  Status listen_for_page();
  void close_pages_left();
  void wait_for_visitors();
  void visit();
  Status start_page();
  void look_after_password();
  Status make_password_file();
  Result<std::string> page_password() const;
  Status check_password(std::string_view base64);
  std::string metrics_text();

  // control.cc, control_status.cc
  std::string answer(const os::Peer& peer, const std::string& command);
  Result<Json> answer_words(const os::Peer& peer, std::string_view command);
  Result<Json> obey(const std::vector<std::string>& words, bool trusted);
  Json status_json() const;
  Result<Json> obey_update(const std::vector<std::string>& words, bool trusted);
  Result<Json> obey_file(const std::string& path);
  Result<Json> obey_rollback();
  Result<Json> obey_skip(const std::vector<std::string>& words);

  Status save();
  Status save_or_restore(State before);
  // supervisor_rest.cc
  void rest_soon();
  void rest();
  void keep_tables();
  // supervisor_tell.cc
  void tell(const std::string& what, const Wanted& wanted, const std::string& detail);
  void note(const std::string& what, const Wanted& wanted, const std::string& detail);
  bool is_for_people(const Event& event) const;
  void keep_for_people(const Event& event);
  void log_not_told(const Event& event, const char* why) const;
  void tell_next();
  void forget_told();
  void tell_people(const Event& event);
  void note_exit_after_update();

  const Options options_;
  const Clock& clock_;
  const Logger& log_;
  Throttle passwords_;       // that the page passes on
  Throttle password_lines_;  // of the log, about a password that cannot be looked at
  std::optional<os::User> page_user_, helper_user_, builder_user_;
  Installation installation_;
  os::Dir directory_;
  os::Fd lock_;
  State state_;
  BinaryIdentity identity_;  // of the current binary
  WallTime started_{};
  MonoTime began_{};
  std::string host_;

  std::unique_ptr<os::Loop> loop_;
  os::Loop::Watch signals_;
  os::Loop::Timer stop_timer_, trial_timer_, check_timer_, update_timer_, probe_timer_, page_timer_;
  os::Loop::Timer again_timer_;  // looks that a webhook causes, as DNS lags
  os::Loop::Timer tell_timer_;   // another try
  unsigned again_ = 0;
  bool clock_set_ = false;  // and it is yet to be planned anew
  std::unique_ptr<os::ControlSocket> control_;
  std::vector<PageSocket> page_sockets_;
  std::vector<os::HandedSocket> pages_left_;  // by who was here before, for the same addresses
  std::string page_form_token_;
  std::string password_fault_;  // that was told of
  os::Notifier notifier_;
  std::unique_ptr<os::NotifyRelay> relay_;
  os::Loop::Timer watchdog_timer_;
  std::chrono::microseconds watchdog_{};  // that the manager wants to hear of; 0: of none
  bool ready_said_ = false;               // by a service, of itself
  bool tables_tried_ = false;             // to be kept in a file
  Handed handed_;
  std::vector<os::SocketFile> listen_files_;  // of --listen, to be removed at the end

  update::State now_ = update::State::kRunning;
  std::deque<update::Event> events_;
  bool busy_ = false;
  int stop_signal_ = 0;
  bool told_to_end_ = false;  // the service; stop_timer_ runs

  std::optional<os::Child> service_;
  std::optional<os::Child> beside_;
  os::Loop::Watch beside_watch_;
  os::Notification beside_said_;  // that is for the manager once it is the service
  std::vector<std::unique_ptr<Retired>> retired_;
  os::Loop::Watch service_watch_;
  os::Exit exit_;               // of the last service
  std::optional<Error> error_;  // why it could not be started

  std::optional<Wanted> wanted_;
  std::string failure_;  // why an update did not come about
  bool untrusted_ = false;
  unsigned passes_ = 0;

  std::optional<Handover> handover_;  // of who was here before
  std::string own_program_;           // the file that was run
  std::string answer_;                // of the one that is asked to take over
  bool replacing_ = false;            // it is asked, or is about to
  bool replace_once_told_ = false;    // another one is on the disk, and somebody was being told
  std::optional<Error> refused_;      // why the last one that was asked does not
  MonoTime refused_at_{};

  std::unique_ptr<Task> check_, fetch_, before_, probe_, page_, rehearsal_, prefetch_;
  build::Key prefetching_;      // what prefetch_ is for, or was tried for last
  std::optional<Built> built_;  // here, and in the builder's directory
  std::string build_output_;
  std::vector<std::unique_ptr<Task>> told_;  // that tell of the first that is untold
  bool untellable_ = false;                  // not all of them could be started
  bool tell_waits_ = false;                  // for tell_timer_
  FrameReader check_frames_, fetch_frames_;
  // What the kernel does not keep the helper from, and why; nothing: none has run.
  std::optional<std::map<std::string, std::string>> helper_refused_;
  std::optional<Discovered> discovered_;
  std::optional<Error> check_error_;
  bool check_broken_ = false;  // it said something that is no frame
  // What each build service says, and of whom the helper speaks just now.
  std::vector<build::ServiceAnswer> answers_;
  std::size_t speaks_of_ = 0;
  std::optional<build::ProvenBuild> build_;
  std::unique_ptr<Incoming> incoming_;
};

// How long an answer may take: the disk may be slow, and what is to be durable is waited for.
inline constexpr std::chrono::seconds kAnswerTime{30};
// Asks the supervisor of a directory. Its errors, and: kUnavailable, there is none or it does not
// answer; kUsage, the command is too long.
Result<Json> ask_supervisor(const std::string& directory, const std::string& command);

}  // namespace gw::supervise
