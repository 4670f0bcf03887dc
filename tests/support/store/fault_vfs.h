// An SQLite VFS that fails its Nth write, sync, truncation or opening of a file, as a full or dying
// disk would: SQLITE_FULL or SQLITE_IOERR, once or from then on; or ends the process there, as kill
// -9 would. Everything else is the system's VFS.
//
//   FaultVfs::instance().arm(17, SQLITE_FULL, true);   … Writer::open(path, {.vfs =
//   FaultVfs::kName}) FaultVfs::instance().disarm();  FaultVfs::instance().calls();
#pragma once

#include <sqlite3.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

namespace gw::testing {

class FaultVfs {
 public:
  static constexpr const char* kName = "gw-fault";
  static constexpr int kKill = -1;  // a code

  static FaultVfs& instance() {
    static FaultVfs vfs;
    return vfs;
  }

  // Fails call number `nth` (from 1 on) with `code`; with `stay` also all after it.
  void arm(int nth, int code, bool stay) { nth_ = nth, code_ = code, stay_ = stay, calls_ = 0; }
  void disarm() { nth_ = 0, calls_ = 0; }
  int calls() const { return calls_; }

 private:
  struct File {
    sqlite3_file base;
    sqlite3_file* real;  // in the memory after this object
  };

  FaultVfs() {
    real_ = sqlite3_vfs_find(nullptr);
    vfs_ = *real_;
    vfs_.zName = kName;
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.xOpen = open;
    vfs_.pNext = nullptr;
    methods_.iVersion = 3;
    methods_.xClose = [](sqlite3_file* f) { return real(f)->pMethods->xClose(real(f)); };
    methods_.xRead = [](sqlite3_file* f, void* p, int n, sqlite3_int64 at) {
      return real(f)->pMethods->xRead(real(f), p, n, at);
    };
    methods_.xWrite = [](sqlite3_file* f, const void* p, int n, sqlite3_int64 at) {
      if (const int code = instance().fault()) {
        // Half of it arrives, as when the disk is full.
        real(f)->pMethods->xWrite(real(f), p, n / 2, at);
        return code;
      }
      return real(f)->pMethods->xWrite(real(f), p, n, at);
    };
    methods_.xTruncate = [](sqlite3_file* f, sqlite3_int64 size) {
      if (const int code = instance().fault()) return code;
      return real(f)->pMethods->xTruncate(real(f), size);
    };
    methods_.xSync = [](sqlite3_file* f, int flags) {
      if (instance().fault() != 0) return SQLITE_IOERR_FSYNC;
      return real(f)->pMethods->xSync(real(f), flags);
    };
    methods_.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
      return real(f)->pMethods->xFileSize(real(f), size);
    };
    methods_.xLock = [](sqlite3_file* f, int l) { return real(f)->pMethods->xLock(real(f), l); };
    methods_.xUnlock = [](sqlite3_file* f, int l) {
      return real(f)->pMethods->xUnlock(real(f), l);
    };
    methods_.xCheckReservedLock = [](sqlite3_file* f, int* out) {
      return real(f)->pMethods->xCheckReservedLock(real(f), out);
    };
    methods_.xFileControl = [](sqlite3_file* f, int op, void* arg) {
      return real(f)->pMethods->xFileControl(real(f), op, arg);
    };
    methods_.xSectorSize = [](sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); };
    methods_.xDeviceCharacteristics = [](sqlite3_file* f) {
      return real(f)->pMethods->xDeviceCharacteristics(real(f));
    };
    methods_.xShmMap = [](sqlite3_file* f, int page, int size, int extend, void volatile** out) {
      return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
    };
    methods_.xShmLock = [](sqlite3_file* f, int offset, int n, int flags) {
      return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
    };
    methods_.xShmBarrier = [](sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); };
    methods_.xShmUnmap = [](sqlite3_file* f, int del) {
      return real(f)->pMethods->xShmUnmap(real(f), del);
    };
    methods_.xFetch = [](sqlite3_file*, sqlite3_int64, int, void** out) {
      *out = nullptr;
      return SQLITE_OK;
    };
    methods_.xUnfetch = [](sqlite3_file*, sqlite3_int64, void*) { return SQLITE_OK; };
    sqlite3_vfs_register(&vfs_, 0);
  }

  static sqlite3_file* real(sqlite3_file* f) { return reinterpret_cast<File*>(f)->real; }

  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out_flags) {
    FaultVfs& self = instance();
    auto* f = reinterpret_cast<File*>(file);
    f->base.pMethods = nullptr;
    f->real = reinterpret_cast<sqlite3_file*>(f + 1);
    std::memset(f->real, 0, static_cast<std::size_t>(self.real_->szOsFile));
    if (self.fault() != 0) return SQLITE_CANTOPEN;
    const int code = self.real_->xOpen(self.real_, name, f->real, flags, out_flags);
    if (f->real->pMethods != nullptr) f->base.pMethods = &self.methods_;
    return code;
  }

  int fault() {
    ++calls_;
    if (nth_ == 0) return 0;
    if (code_ == kKill && calls_ == nth_) ::kill(::getpid(), SIGKILL);
    return calls_ == nth_ || (stay_ && calls_ > nth_) ? code_ : 0;
  }

  sqlite3_vfs* real_ = nullptr;
  sqlite3_vfs vfs_{};
  sqlite3_io_methods methods_{};
  int nth_ = 0;
  int code_ = 0;
  bool stay_ = false;
  int calls_ = 0;
};

}  // namespace gw::testing
