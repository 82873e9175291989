// SPDX-License-Identifier: GPL-2.0-only OR MIT
/*
 * redoubt_tsm: a provider behind the kernel's own configfs-tsm that has no hardware, for tests. Everything that user space sees in
 * /sys/kernel/config/tsm/report (entries, generation, privlevel, locks, sizes) is the kernel's; only the report is made elsewhere: a
 * program opens /dev/redoubt_tsm, reads what was asked for and writes the answer, as a quoting service does for a real one.
 *
 * Never part of a release, and signed by nobody: a kernel that is locked down refuses it. One program at a time is expected to serve.
 * Interface: include/linux/tsm.h of Linux 6.7 to 6.15.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tsm.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

/* What the program reads: one question. */
struct question {
	u32 privlevel;
	u32 inblob_len;
	u8 inblob[TSM_INBLOB_MAX];
};

/* What it writes: this, then outblob, then auxblob, in one call. An error is a positive errno, and then there are no blobs. */
struct answer {
	u32 error;
	u32 outblob_len;
	u32 auxblob_len;
};

enum state { IDLE, ASKED, TAKEN, ANSWERED };

#define MAX_BLOB (128 * 1024)
#define PATIENCE (30 * HZ)

static char *provider = "tdx_guest";
module_param(provider, charp, 0444);
static unsigned int floor_level;
module_param_named(floor, floor_level, uint, 0444);

static DEFINE_MUTEX(lock);
static DECLARE_WAIT_QUEUE_HEAD(changed);
static enum state state;
static struct question question;
static struct answer answer;
static u8 *blobs;

static bool has_levels(void)
{
	return strcmp(provider, "sev_guest") == 0;
}

static int take_answer(struct tsm_report *report)
{
	u8 *out, *aux = NULL;

	if (answer.error)
		return -(int)answer.error;
	out = kvmemdup(blobs, answer.outblob_len, GFP_KERNEL);
	if (!out)
		return -ENOMEM;
	if (answer.auxblob_len) {
		aux = kvmemdup(blobs + answer.outblob_len, answer.auxblob_len, GFP_KERNEL);
		if (!aux) {
			kvfree(out);
			return -ENOMEM;
		}
	}
	report->outblob = out;
	report->outblob_len = answer.outblob_len;
	report->auxblob = aux;
	report->auxblob_len = answer.auxblob_len;
	return 0;
}

/* Called by the kernel with its lock held, so one at a time. */
static int report_new(struct tsm_report *report, void *data)
{
	long left;
	int result;

	mutex_lock(&lock);
	question.privlevel = report->desc.privlevel;
	question.inblob_len = report->desc.inblob_len;
	memcpy(question.inblob, report->desc.inblob, sizeof(question.inblob));
	WRITE_ONCE(state, ASKED);
	mutex_unlock(&lock);
	wake_up_all(&changed);
	left = wait_event_killable_timeout(changed, READ_ONCE(state) == ANSWERED, PATIENCE);
	mutex_lock(&lock);
	if (left < 0)
		result = -EINTR;
	else if (READ_ONCE(state) != ANSWERED)
		result = -ETIMEDOUT;
	else
		result = take_answer(report);
	WRITE_ONCE(state, IDLE);
	mutex_unlock(&lock);
	return result;
}

static bool attr_visible(int n)
{
	switch (n) {
	case TSM_REPORT_GENERATION:
	case TSM_REPORT_PROVIDER:
		return true;
	case TSM_REPORT_PRIVLEVEL:
	case TSM_REPORT_PRIVLEVEL_FLOOR:
		return has_levels();
	}
	return false;
}

static bool bin_attr_visible(int n)
{
	switch (n) {
	case TSM_REPORT_INBLOB:
	case TSM_REPORT_OUTBLOB:
		return true;
	case TSM_REPORT_AUXBLOB:
		return has_levels();
	}
	return false;
}

static ssize_t take_question(struct file *file, char __user *to, size_t size, loff_t *at)
{
	struct question copy;
	int result = wait_event_interruptible(changed, READ_ONCE(state) == ASKED);

	if (result)
		return result;
	if (size < sizeof(copy))
		return -EINVAL;
	mutex_lock(&lock);
	copy = question;
	if (state == ASKED)
		WRITE_ONCE(state, TAKEN);
	mutex_unlock(&lock);
	return copy_to_user(to, &copy, sizeof(copy)) ? -EFAULT : sizeof(copy);
}

static ssize_t give_answer(struct file *file, const char __user *from, size_t size, loff_t *at)
{
	struct answer head;
	u8 *copy = NULL;

	if (size < sizeof(head))
		return -EINVAL;
	if (copy_from_user(&head, from, sizeof(head)))
		return -EFAULT;
	if (head.error > MAX_ERRNO || head.outblob_len > MAX_BLOB || head.auxblob_len > MAX_BLOB)
		return -EINVAL;
	if (size != sizeof(head) + head.outblob_len + head.auxblob_len)
		return -EINVAL;
	if (size > sizeof(head)) {
		copy = vmemdup_user(from + sizeof(head), size - sizeof(head));
		if (IS_ERR(copy))
			return PTR_ERR(copy);
	}
	mutex_lock(&lock);
	if (state != TAKEN) {
		mutex_unlock(&lock);
		kvfree(copy);
		return -ESRCH;
	}
	kvfree(blobs);
	blobs = copy;
	answer = head;
	WRITE_ONCE(state, ANSWERED);
	mutex_unlock(&lock);
	wake_up_all(&changed);
	return size;
}

static const struct file_operations service_calls = {
	.owner = THIS_MODULE,
	.read = take_question,
	.write = give_answer,
};

static struct miscdevice service = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "redoubt_tsm",
	.fops = &service_calls,
	.mode = 0600,
};

static struct tsm_ops calls = {
	.report_new = report_new,
	.report_attr_visible = attr_visible,
	.report_bin_attr_visible = bin_attr_visible,
};

static int __init start(void)
{
	int result = misc_register(&service);

	if (result)
		return result;
	calls.name = provider;
	calls.privlevel_floor = floor_level;
	result = tsm_register(&calls, NULL);
	if (result)
		misc_deregister(&service);
	return result;
}

static void __exit end(void)
{
	tsm_unregister(&calls);
	misc_deregister(&service);
	kvfree(blobs);
}

module_init(start);
module_exit(end);
MODULE_DESCRIPTION("configfs-tsm provider without hardware, for tests");
MODULE_LICENSE("Dual MIT/GPL");
