/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * test_import.c - proves what is read from mwan3's and pbr's files, in the forms of these tools'
 * examples and of users' files; and that the printed configuration is valid.
 */
#define _GNU_SOURCE /* asprintf */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "cli/import/uci.h"
#include "waymark/config/config.h"

static const char network[] =
	"config interface 'wan'\n\toption device 'eth1'\n\toption proto 'dhcp'\n"
	"config interface 'wan6'\n\toption device '@wan'\n\toption proto 'dhcpv6'\n"
	"config interface 'wanb'\n\toption ifname 'eth2'\n\toption proto 'pppoe'\n"
	"config interface 'lan'\n\toption device 'br-lan'\n"
	"config interface 'wg0'\n\toption proto 'wireguard'\n";

static const char mwan3[] =
	"# a comment\n"
	"config globals 'globals'\n\toption mmx_mask '0x3F00'\n\n"
	"config interface 'wan'\n\toption enabled '1'\n\tlist track_ip '1.1.1.1'\n"
	"config interface 'wan6'\n\toption enabled '1'\n\toption family 'ipv6'\n"
	"config interface 'wanb'\n\toption enabled 1\n"
	"config interface 'wanb6'\n\toption enabled '0'\n"
	"config member 'wan_m1_w3'\n\toption interface 'wan'\n\toption metric '1'\n\toption weight "
	"'3'\n"
	"config member 'wanb_m2_w2'\n\toption interface \"wanb\"\n\toption metric '2'\n\toption "
	"weight '2'\n"
	"config policy 'balanced'\n\tlist use_member 'wan_m1_w3'\n\tlist use_member 'wanb_m2_w2'\n"
	"\toption last_resort 'unreachable'\n"
	"config rule 'https'\n\toption sticky '1'\n\toption dest_port '443'\n\toption proto 'tcp'\n"
	"\toption use_policy 'wan_only'\n"
	"config rule 'default_rule_v4'\n\toption dest_ip '0.0.0.0/0'\n\toption use_policy "
	"'balanced'\n";

static const char pbr[] =
	"config pbr 'config'\n\toption enabled '1'\n\toption fw_mask '00ff0000'\n"
	"\toption wan_mark '00010000'\n\tlist ignored_interface 'lan'\n"
	"\tlist supported_interface 'wg0'\n"
	"config policy\n\toption name 'Plex \033[31m'\n\toption interface 'wanb'\n"
	"\toption src_addr '192.168.1.5'\n\toption enabled '0'\n"
	"config include\n\toption path '/usr/share/pbr/user.aws'\n";

static char folder[] = "/tmp/waymark-import.XXXXXX";

static void file_write(const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Return the output of `waymark import TOOL FILE`, which must be a valid configuration. */
static char *imported(const char *tool, const char *name, enum exit_status wanted)
{
	char from[128], to[128];
	struct invocation in = {.operands = {tool, from}};
	struct config *c = NULL;
	char *text = calloc(1, 65536);
	int was;
	FILE *file;

	snprintf(from, sizeof(from), "%s/%s", folder, name);
	snprintf(to, sizeof(to), "%s/waymark.conf", folder);
	fflush(stdout);
	was = dup(1);
	assert_non_null(freopen(to, "w", stdout));
	assert_int_equal(cmd_import(&in), wanted);
	fflush(stdout);
	dup2(was, 1);
	close(was);
	file = fopen(to, "r");
	text[fread(text, 1, 65535, file)] = '\0';
	fclose(file);
	if (wanted == CLI_DONE)
		assert_int_equal(config_load(&c, to, stderr), 0);
	config_free(c);
	return text;
}

static void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" is missing in:\n%s", part, text);
}

static void mwan3_with_its_network(void **state)
{
	char *text;

	(void)state;
	file_write("network", network);
	file_write("mwan3", mwan3);
	text = imported("mwan3", "mwan3", CLI_DONE);
	assert_says(text, "mode      = \"audit\"");
	assert_says(text, "mark-mask = 0x3f00");
	assert_says(text, "uplink wan {\n    interface = \"eth1\"\n    mark      = 0x100\n"
			  "    table     = 1\n    weight    = 3\n}");
	assert_says(text, "# wan6 (mark 0x200) has the same interface as wan");
	assert_says(text, "uplink wanb {\n    interface = \"pppoe-wanb\"\n    mark      = 0x300\n"
			  "    table     = 3\n    weight    = 2\n");
	assert_null(strstr(text, "uplink wanb6"));
	assert_says(text, "# interface wanb6 is not enabled");
	assert_says(text, "# policy balanced: last_resort unreachable");
	assert_says(text, "# rule https: policy wan_only\n#   proto tcp\n#   dest_port 443");
	free(text);
}

static void a_uci_file_of_waymark_itself(void **state)
{
	char *text;

	(void)state;
	file_write("network", network);
	file_write("own", "config waymark 'main'\n\toption enabled '1'\n"
			  "\toption mark_mask '0xff'\n\toption repair '0'\n"
			  "config uplink 'fibre'\n\toption network 'wan'\n\toption mark '2'\n"
			  "\toption table '251'\n"
			  "config uplink 'off'\n\toption enabled '0'\n\toption mark '2'\n"
			  "config uplink 'cable'\n\toption interface 'eth9'\n"
			  "\toption mark '3'\n\toption table '250'\n"
			  "config health 'cable'\n\toption exec '/bin/true'\n"
			  "\toption passive 'off'\n"
			  "config alert\n\tlist webhook_header 'A: \"b\" \\ $c'\n"
			  "\tlist webhook_header 'D: e'\n\toption syslog 'yes'\n");
	text = imported("waymark", "own", CLI_DONE);
	assert_says(text, "mark-mask = \"0xff\"\nrepair = \"false\"\n");
	assert_says(text, "uplink fibre {\n    interface = \"eth1\"\n    mark = \"2\"\n"
			  "    table = \"251\"\n}\n");
	assert_says(text, "uplink cable {\n    interface = \"eth9\"\n    mark = \"3\"\n"
			  "    table = \"250\"\n    health {\n        exec = \"/bin/true\"\n"
			  "        passive = \"false\"\n    }\n}\n");
	assert_says(text,
		    "alert {\n    webhook-header = {\"A: \\x22b\\x22 \\x5c \\x24c\", \"D: e\"}\n"
		    "    syslog = \"true\"\n}\n");
	assert_null(strstr(text, "enabled"));
	assert_null(strstr(text, "off"));
	free(text);
	file_write("own", "config waymark\nconfig uplnk 'a'\n");
	free(imported("waymark", "own", CLI_FAILED));
	file_write("own", "config uplink 'a'\nconfig health 'b'\n");
	free(imported("waymark", "own", CLI_FAILED));
}

/* The bits of the number are placed on those of the mask. */
static void mwan3_with_another_mask(void **state)
{
	char *text;

	(void)state;
	file_write("mwan3", "config globals g\n option mmx_mask 0xF0\nconfig interface a\n"
			    " option enabled 1\nconfig interface b\n option enabled 1\n");
	file_write("network", "");
	text = imported("mwan3", "mwan3", CLI_DONE);
	assert_says(text, "mark      = 0x10");
	assert_says(text, "mark      = 0x20");
	assert_says(text, "has no interface for a");
	free(text);
}

static void pbr_with_its_network(void **state)
{
	char *text;

	(void)state;
	file_write("network", network);
	file_write("pbr", pbr);
	text = imported("pbr", "pbr", CLI_DONE);
	assert_says(text, "mark-mask = 0xff0000");
	assert_says(text, "uplink wan {\n    interface = \"eth1\"\n    mark      = 0x10000\n");
	assert_says(text,
		    "uplink wanb {\n    interface = \"pppoe-wanb\"\n    mark      = 0x20000\n");
	assert_says(text, "uplink wg0 {\n    interface = \"wg0\"\n    mark      = 0x30000\n");
	assert_says(
		text,
		"# policy Plex \\x1b[31m: interface wanb (not enabled)\n#   src_addr 192.168.1.5");
	assert_says(text, "# include /usr/share/pbr/user.aws");
	free(text);
}

static void files_that_are_none(void **state)
{
	(void)state;
	file_write("bad", "config interface 'wan'\nnonsense\n");
	free(imported("mwan3", "bad", CLI_FAILED));
	file_write("bad", "option enabled '1'\n");
	free(imported("mwan3", "bad", CLI_FAILED));
	file_write("bad", "config interface 'wan\n");
	free(imported("mwan3", "bad", CLI_FAILED));
	file_write("bad", "");
	free(imported("mwan3", "bad", CLI_FAILED));
	free(imported("mwan3", "missing", CLI_FAILED));
	free(imported("vyos", "bad", CLI_USAGE));
}

static int folder_make(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int folder_remove(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mwan3_with_its_network),
		cmocka_unit_test(mwan3_with_another_mask),
		cmocka_unit_test(a_uci_file_of_waymark_itself),
		cmocka_unit_test(pbr_with_its_network),
		cmocka_unit_test(files_that_are_none),
	};

	return cmocka_run_group_tests_name("import", tests, folder_make, folder_remove);
}
