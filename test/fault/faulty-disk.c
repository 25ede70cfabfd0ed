/*
 * A disk that fails when it is told to, for LD_PRELOAD. Calls of one kind on files below a folder are counted, over all
 * threads; one of them fails, or kills the process.
 *
 *   DISK_ROOT   the folder; everything else works
 *   DISK_CALL   open (that may create), write, sync, rename, link, unlink, truncate, close
 *   DISK_AT     which of these calls, from 1; 0 for none
 *   DISK_FAULT  an errno; or `kill`: SIGKILL before the call; `torn`: SIGKILL behind the first half of what is written
 *   DISK_STAYS  if set, all later calls of the kind fail as well
 *   DISK_TALLY  a file that gets one byte for each call of the kind, for counting them
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_int count;
static const char *root, *kind, *fault, *tally;
static int at, stays;
static size_t root_length;

__attribute__((constructor)) static void begin(void) {
  root = getenv("DISK_ROOT");
  kind = getenv("DISK_CALL");
  fault = getenv("DISK_FAULT");
  tally = getenv("DISK_TALLY");
  at = atoi(getenv("DISK_AT") ? getenv("DISK_AT") : "0");
  stays = getenv("DISK_STAYS") != NULL;
  root_length = root ? strlen(root) : 0;
}

static void die(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
}

static int below(const char *path) {
  return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

/* Says whether this call is to fail, and sets errno. `torn` is left to whoever writes. */
static int due(const char *call, const char *path) {
  if (!root || !kind || !path || strcmp(call, kind) != 0 || !below(path)) return 0;
  int number = atomic_fetch_add(&count, 1) + 1;
  if (tally) {
    int out = syscall(SYS_openat, AT_FDCWD, tally, O_WRONLY | O_CREAT | O_APPEND, 0600);
    syscall(SYS_write, out, ".", 1);
    syscall(SYS_close, out);
  }
  if (at == 0 || number < at || (number > at && !stays)) return 0;
  if (strcmp(fault, "kill") == 0) die();
  errno = atoi(fault);
  return 1;
}

static int due_at(const char *call, int fd) {
  if (!kind || strcmp(call, kind) != 0) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return due(call, path);
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define TORN (strcmp(fault, "torn") == 0)

ssize_t write(int fd, const void *bytes, size_t size) {
  REAL(write);
  if (!due_at("write", fd)) return real(fd, bytes, size);
  if (TORN) real(fd, bytes, size / 2), die();
  return -1;
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) {
  REAL(pwrite64);
  if (!due_at("write", fd)) return real(fd, bytes, size, offset);
  if (TORN) real(fd, bytes, size / 2, offset), die();
  return -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
  return pwrite64(fd, bytes, size, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int many) {
  REAL(writev);
  if (!due_at("write", fd)) return real(fd, parts, many);
  if (TORN) real(fd, parts, (many + 1) / 2), die();
  return -1;
}

ssize_t pwritev(int fd, const struct iovec *parts, int many, off_t offset) {
  REAL(pwritev);
  if (!due_at("write", fd)) return real(fd, parts, many, offset);
  if (TORN) real(fd, parts, (many + 1) / 2, offset), die();
  return -1;
}

int fsync(int fd) {
  REAL(fsync);
  return due_at("sync", fd) ? -1 : real(fd);
}

int fdatasync(int fd) {
  REAL(fdatasync);
  return due_at("sync", fd) ? -1 : real(fd);
}

int rename(const char *from, const char *to) {
  REAL(rename);
  return due("rename", to) ? -1 : real(from, to);
}

int link(const char *from, const char *to) {
  REAL(link);
  return due("link", to) ? -1 : real(from, to);
}

int unlink(const char *path) {
  REAL(unlink);
  return due("unlink", path) ? -1 : real(path);
}

int ftruncate64(int fd, off64_t size) {
  REAL(ftruncate64);
  return due_at("truncate", fd) ? -1 : real(fd, size);
}

int ftruncate(int fd, off_t size) {
  return ftruncate64(fd, size);
}

/* The descriptor is gone even where closing fails. */
int close(int fd) {
  REAL(close);
  int failed = due_at("close", fd);
  int reason = errno;
  int result = real(fd);
  if (failed) errno = reason;
  return failed ? -1 : result;
}

#define OPEN(name)                                                     \
  int name(const char *path, int flags, ...) {                         \
    REAL(name);                                                        \
    va_list rest;                                                      \
    va_start(rest, flags);                                             \
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
    va_end(rest);                                                      \
    return flags & O_CREAT && due("open", path) ? -1 : real(path, flags, mode); \
  }
OPEN(open)
OPEN(open64)
