// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "own.h"
#include "totals.h"

/* Slab caches are told apart by name only where they are not merged. */
const char *const totals_caches[TOTALS_CACHES] = {
	"task_struct", "files_cache", "filp", "cred_jar", "pid", "signal_cache",
	"sighand_cache", "mm_struct", "kmalloc-1k", "kmalloc-4k", "names_cache",
};

long totals_number(const char *path)
{
	FILE *file = fopen(path, "r");
	long value = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

bool totals_settle(const char *path, long value, unsigned int limit_ms)
{
	unsigned long long end = own_clock_ms() + limit_ms;

	while (totals_number(path) != value) {
		if (own_clock_ms() > end)
			return false;
		own_sleep_ms(10);
	}
	return true;
}

/* Empty slabs go back, so that objects in use are what is left to count. */
static void shrink_cache(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "1", 1) != 1)
		fprintf(stderr, "%s: %m\n", path);
	close(fd);
}

static long objects_of(const char *name)
{
	FILE *file = fopen("/proc/slabinfo", "r");
	char line[512], cache[64];
	long active, found = -1;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %ld", cache, &active) == 2 && !strcmp(cache, name))
			found = active;
	fclose(file);
	return found;
}

long totals_objects(const char *cache)
{
	shrink_cache(cache);
	return objects_of(cache);
}

long totals_objects_within(const char *cache, long most)
{
	unsigned long long end = own_clock_ms() + 10000;
	long objects = totals_objects(cache);

	while (objects > most && own_clock_ms() < end) {
		own_sleep_ms(100);
		objects = totals_objects(cache);
	}
	return objects;
}

static int count_processes(void)
{
	FILE *file = fopen("/proc/loadavg", "r");
	int running, all = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%*f %*f %*f %d/%d", &running, &all) != 2)
		all = -1;
	fclose(file);
	return all;
}

/* Memory that no cache would give back. */
static long memory_in_use(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	long all = 0, available = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "MemTotal: %ld", &all) != 1 &&
		    sscanf(line, "MemAvailable: %ld", &available) == 1)
			break;
	}
	if (file)
		fclose(file);
	return all - available;
}

void idle_take(struct idle *idle)
{
	idle->in_flight = totals_number(TOTALS_IN_FLIGHT);
	idle->references = totals_number(TOTALS_REFERENCES);
	idle->descriptors = own_descriptor_count();
}

long totals_memory_within(long most)
{
	unsigned long long end = own_clock_ms() + 10000;
	long memory = memory_in_use();

	while (memory > most && own_clock_ms() < end) {
		own_sleep_ms(100);
		memory = memory_in_use();
	}
	return memory;
}

void totals_take(struct totals *t)
{
	unsigned int i;

	/* A process that has ended is freed when its grace period is over. */
	own_sleep_ms(1500);
	for (i = 0; i < TOTALS_CACHES; i++)
		t->objects[i] = totals_objects(totals_caches[i]);
	t->descriptors = own_descriptor_count();
	t->processes = count_processes();
	t->in_flight = totals_number(TOTALS_IN_FLIGHT);
	t->references = totals_number(TOTALS_REFERENCES);
	t->memory = memory_in_use();
}
