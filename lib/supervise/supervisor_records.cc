// What the supervisor keeps of an update, and of how it ended.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "supervise/supervisor.h"

namespace gw::supervise {

Status Supervisor::record_trial() {
  // The bytes that were verified are those that will run.
  GW_TRY(const std::string sum, installation_.sum_of(wanted_->file));
  if (sum != wanted_->sum) {
    untrusted_ = true;
    return untrusted_error(wanted_->file + " changed since it was verified");
  }
  const std::string from = installation_.kept_name(identity_.key);
  state_.trial = Trial{from,
                       wanted_->file,
                       wanted_->target(),
                       wanted_->sum,
                       clock_.now(),
                       1,
                       false,
                       0,
                       wanted_->by == "schedule",
                       false,
                       wanted_->built_here};
  // Ours it is only where we put it there: one to go back to may be the operator's.
  state_.sums[wanted_->file] = wanted_->sum;
  const auto& ours = state_.ours;
  // A name that we give the binary that was there; one that a link led to is its owner's.
  if (from != installation_.current() && std::find(ours.begin(), ours.end(), from) == ours.end()) {
    GW_TRY(state_.sums[from], installation_.sum_of(installation_.current()));
    state_.ours.push_back(from);
  }
  const std::string previous = std::exchange(state_.previous, from);
  auto ready = save();
  if (ready) ready = installation_.prepare(wanted_->file, from);
  if (ready) return ready;
  state_.trial.reset();
  state_.previous = previous;
  return ready;
}

// Somebody's wish, and nobody's fault: no pause, and no failure that is counted.
void Supervisor::record_cancel() {
  const Wanted wanted = *std::exchange(wanted_, std::nullopt);
  tell("cancelled", wanted, failure_);
  if (auto saved = save(); !saved) log_.error("state", saved.error());
  replan();
}

void Supervisor::keep_file(const std::string& file) {
  const auto& ours = state_.ours;
  if (std::find(ours.begin(), ours.end(), file) == ours.end()) state_.ours.push_back(file);
}

// What was verified once is run only as it was then.
Status Supervisor::check_sum(const std::string& file) {
  const auto known = state_.sums.find(file);
  if (known == state_.sums.end()) return {};
  GW_TRY(const std::string sum, installation_.sum_of(file));
  if (sum == known->second) return {};
  return untrusted_error(installation_.path_of(file) + " changed since it was verified",
                         "move the link to a binary of another name to run that");
}

// At a start: a binary that somebody changed is not run, but the one before it, if that is whole.
Status Supervisor::leave_changed_file() {
  auto good = check_sum(installation_.current());
  if (good || good.error().kind != ErrorKind::kUntrusted || now_ == update::State::kTrial)
    return {};
  const std::string changed = installation_.current();
  const std::string previous = state_.previous;
  if (previous.empty() || previous == changed || !installation_.has(previous) ||
      !check_sum(previous)) {
    return good;
  }
  log_.error("changed-file", good.error());
  state_.paused = Paused{good.error().message, clock_.now()};
  state_.last_error = good.error().message;
  note("untrusted", Wanted{identity_.key, "itself"},
       good.error().message);  // for a person to look at
  switch_back();
  return save();
}

void Supervisor::forget_trial() {
  installation_.discard();
  state_.trial.reset();
  if (auto saved = save(); !saved) log_.error("state", saved.error());
}

void Supervisor::record_kept() {
  Trial& trial = *state_.trial;
  trial.passed = true;
  trial.exits = 0;
  state_.last_update = clock_.now();
  state_.failures = 0;
  state_.last_error.clear();
  if (trial.scheduled) state_.base_go = trial.target.go_version;
  const auto file = installation_.open(installation_.current());
  auto identity = file ? read_identity(file->get()) : Result<BinaryIdentity>(file.error());
  if (identity) identity_ = *std::move(identity);
  forget_old_versions();
  forget_mended(trial.target);
  const Wanted wanted = *std::exchange(wanted_, std::nullopt);
  if (wanted.by == "control") {
    // Who wants it in spite of a skip wants its next toolchains, too.
    std::erase_if(state_.skips, [&](const update::Skip& skip) {
      return update::is_skipped({skip}, wanted.target());
    });
  }
  tell("updated", wanted, wanted.built_here ? "built here" : "");
  if (auto saved = save(); !saved) {
    log_.error("state", saved.error());
    return;  // nothing is removed that a crash might need
  }
  remove_old();
  replan();
}

// All that we put there, but what runs and what to roll back to.
void Supervisor::remove_old() {
  std::vector<std::string> kept;
  for (const std::string& file : state_.ours) {
    if (file == installation_.current() || file == state_.previous) {
      kept.push_back(file);
    } else if (auto removed = installation_.remove(file); !removed) {
      log_.error("remove", removed.error());
      kept.push_back(file);
    }
  }
  // What is not ours may be another file by the time that somebody runs it again.
  const std::size_t forgotten = std::erase_if(state_.sums, [&](const auto& sum) {
    return sum.first != installation_.current() && sum.first != state_.previous &&
           std::find(kept.begin(), kept.end(), sum.first) == kept.end();
  });
  if (kept == state_.ours && forgotten == 0) return;
  state_.ours = std::move(kept);
  if (auto saved = save(); !saved) log_.error("state", saved.error());
}

// Not the version's fault, unless it is one that somebody forged: that is for a person to look at.
void Supervisor::record_failure() {
  const Wanted wanted = *std::exchange(wanted_, std::nullopt);
  installation_.discard();
  state_.trial.reset();
  if (wanted.by == "schedule") {
    ++state_.failures;
    state_.last_failure = clock_.now();
  }
  state_.last_error = failure_;
  if (untrusted_) state_.paused = Paused{"verification failed: " + failure_, clock_.now()};
  tell(untrusted_ ? "untrusted" : "failed", wanted, failure_);
  untrusted_ = false;
  if (auto saved = save(); !saved) log_.error("state", saved.error());
  replan();
}

void Supervisor::record_veto() {
  const Wanted wanted = *std::exchange(wanted_, std::nullopt);
  state_.skips.push_back({wanted.key.version, ""});
  tell("skipped", wanted, failure_);
  if (auto saved = save(); !saved) log_.error("state", saved.error());
  replan();
}

void Supervisor::record_bad() {
  // On record until the link is back: a start in between must know.
  state_.trial->bad = true;
  const Trial trial = *state_.trial;
  wanted_.reset();
  Wanted bad{identity_.key, trial.scheduled ? "schedule" : "control", false, trial.to, trial.sum};
  bad.key.version = trial.target.version;
  bad.key.go_version = trial.target.go_version;
  state_.skips.push_back({trial.target.version, trial.target.go_version});
  state_.last_error = failure_;
  state_.paused = Paused{fmt::format("{} {} was rolled back: {}", trial.target.version,
                                     trial.target.go_version, failure_),
                         clock_.now()};
  state_.previous = trial.from;
  tell("rolled-back", bad, failure_);
  if (auto saved = save(); !saved) log_.error("state", saved.error());
  if (loop_) replan();
}

}  // namespace gw::supervise
