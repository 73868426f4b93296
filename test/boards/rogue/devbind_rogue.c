// SPDX-License-Identifier: GPL-2.0
/*
 * devbind-rogue: a platform driver that behaves badly on demand, so that tests see what a real kernel does then.
 *
 * It matches no device by itself and takes any platform device by driver_override. How it behaves is told, at any time, by
 * /sys/module/devbind_rogue/parameters/; as loaded it is a good driver.
 */
#include <linux/delay.h>
#include <linux/device.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

static int error;
module_param(error, int, 0644);
MODULE_PARM_DESC(error, "errno with which a probe refuses its device, 22 for EINVAL; 0 for none");

static bool defer;
module_param(defer, bool, 0644);
MODULE_PARM_DESC(defer, "a probe asks to be tried again later");

static bool oops;
module_param(oops, bool, 0644);
MODULE_PARM_DESC(oops, "a probe crashes, and whoever wrote to bind dies holding the device's lock");

static bool leaves;
module_param(leaves, bool, 0644);
MODULE_PARM_DESC(leaves, "the driver lets go of its device right after a probe that succeeded");

static bool holds;
module_param(holds, bool, 0644);
MODULE_PARM_DESC(holds, "the driver does not let go of a device until this is N; no signal helps");

static uint probe_seconds;
module_param(probe_seconds, uint, 0644);
MODULE_PARM_DESC(probe_seconds, "how long a probe takes; no signal helps");

struct departure {
	struct work_struct work;
	struct device *device;
};

/* Waits for the lock of the device, which the probe still has. */
static void leave(struct work_struct *work)
{
	struct departure *departure = container_of(work, struct departure, work);

	device_release_driver(departure->device);
	put_device(departure->device);
	kfree(departure);
}

static int leave_soon(struct device *device)
{
	struct departure *departure = kmalloc(sizeof(*departure), GFP_KERNEL);

	if (!departure)
		return -ENOMEM;
	INIT_WORK(&departure->work, leave);
	departure->device = get_device(device);
	schedule_work(&departure->work);
	return 0;
}

static void hold_on(void *nothing)
{
	while (READ_ONCE(holds))
		msleep(100);
}

static int rogue_probe(struct platform_device *platform_device)
{
	struct device *device = &platform_device->dev;
	int result;

	ssleep(probe_seconds);
	if (oops)
		WRITE_ONCE(*(int *)NULL, 0);
	if (defer)
		return -EPROBE_DEFER;
	if (error)
		return -error;
	/* Run when the driver lets go; unlike remove() it has the same form in every kernel. */
	result = devm_add_action(device, hold_on, NULL);
	if (!result && leaves)
		result = leave_soon(device);
	return result;
}

static struct platform_driver rogue = {
	.probe = rogue_probe,
	.driver = { .name = "devbind-rogue" },
};

static int __init rogue_init(void)
{
	return platform_driver_register(&rogue);
}

static void __exit rogue_exit(void)
{
	platform_driver_unregister(&rogue);
	flush_scheduled_work();
}

module_init(rogue_init);
module_exit(rogue_exit);
MODULE_DESCRIPTION("A platform driver that behaves badly on demand");
MODULE_LICENSE("GPL");
