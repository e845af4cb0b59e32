/* SPDX-License-Identifier: PostgreSQL */
/* A wall clock that tests can set: preloaded, it shows as many seconds more as the file $WALL_CLOCK says (8 bytes, native order). */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t
offset(void)
{
	static const volatile int64_t *place;
	const char *path = getenv("WALL_CLOCK");

	if (place == NULL && path != NULL)
	{
		int file = open(path, O_RDONLY | O_CLOEXEC);
		void *mapped = file < 0 ? MAP_FAILED : mmap(NULL, 8, PROT_READ, MAP_SHARED, file, 0);

		if (file >= 0)
			close(file);
		if (mapped != MAP_FAILED)
			place = mapped;
	}
	return place == NULL ? 0 : *place;
}

int
clock_gettime(clockid_t clock, struct timespec *time)
{
	int result = (int) syscall(SYS_clock_gettime, clock, time);

	if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
		time->tv_sec += offset();
	return result;
}

int
gettimeofday(struct timeval *restrict time, void *restrict zone)
{
	struct timespec now;
	int result = clock_gettime(CLOCK_REALTIME, &now);

	time->tv_sec = now.tv_sec;
	time->tv_usec = now.tv_nsec / 1000;
	return result;
}

time_t
time(time_t *place)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_REALTIME, &now);
	if (place != NULL)
		*place = now.tv_sec;
	return now.tv_sec;
}
