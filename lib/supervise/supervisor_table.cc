// The supervisor's table at work: an event, the step that it makes, and what is done about it.

#include "supervise/supervisor.h"

namespace gw::supervise {

void Supervisor::happen(update::Event event) {
  events_.push_back(event);
  if (busy_) return;
  busy_ = true;
  const update::State before = now_;
  while (!events_.empty()) {
    const update::Event next = events_.front();
    events_.pop_front();
    const update::Step step = update::step(now_, next);
    if (!step.expected) {
      log_.error("defect",
                 {{"state", update::state_name(now_)}, {"event", update::event_name(next)}});
    }
    log_.debug("step", {{"state", update::state_name(now_)},
                        {"event", update::event_name(next)},
                        {"next", update::state_name(step.next)}});
    now_ = step.next;
    for (const update::Action action : step.actions) {
      if (const auto failed = act(action)) {
        events_.push_front(*failed);
        break;
      }
    }
  }
  busy_ = false;
  rest_soon();
  if (now_ != update::State::kRunning) return;
  if (before == update::State::kReverting) replan();  // after a cancel there may be another one
}

std::optional<update::Event> Supervisor::act(update::Action action) {
  using update::Action;
  using update::Event;
  switch (action) {
    case Action::kNone:
      break;
    case Action::kFetch:
      start_fetch();
      break;
    case Action::kCancelFetch:
      fetch_.reset();
      incoming_.reset();
      break;
    case Action::kRunBefore:
      run_before();
      break;
    case Action::kCancelBefore:
      before_.reset();
      break;
    case Action::kRecordTrial:
      if (auto recorded = record_trial(); !recorded) {
        failure_ = recorded.error().message;
        return Event::kInstallFailed;
      }
      break;
    case Action::kForgetTrial:
      forget_trial();
      break;
    case Action::kRecordKept:
      record_kept();
      break;
    case Action::kRecordFailure:
      record_failure();
      break;
    case Action::kRecordCancel:
      record_cancel();
      break;
    case Action::kRecordVeto:
      record_veto();
      break;
    case Action::kRecordBad:
      record_bad();
      break;
    case Action::kTerminate:
      ask_to_end();
      break;
    case Action::kKill:
      kill_all();
      break;
    case Action::kSwitch:
      return switch_to_new();
    case Action::kSwitchBack:
      switch_back();
      break;
    case Action::kStart:
      if (auto started = start_service(); !started) {
        error_ = started.error();
        failure_ = started.error().message;
        return Event::kStartFailed;
      }
      break;
    case Action::kStartBeside:
      if (auto started = start_beside(); !started) {
        failure_ = started.error().message;
        return Event::kStartFailed;
      }
      break;
    case Action::kDropBeside:
      drop_beside();
      break;
    case Action::kTakeOver:
      take_over();
      break;
    case Action::kBeginTrial:
      begin_trial();
      break;
    case Action::kEnd:
      // At a stop, an old one of an overlap has its time, too: on_retired_exit() goes on.
      if (stop_signal_ == 0 || retired_.empty()) loop_->stop();
      break;
  }
  return std::nullopt;
}

}  // namespace gw::supervise
