/*
 * driver - a Bonjour chat client without a screen, for meshbridge's office tests.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * This file is free software; you can redistribute it and/or modify it under
 * the terms of the GNU General Public License as published by the Free
 * Software Foundation; either version 2 of the License, or (at your option)
 * any later version. It is distributed WITHOUT ANY WARRANTY; see the GNU
 * General Public License, <https://www.gnu.org/licenses/>, for details.
 *
 * This one file stands OUTSIDE the MIT grant of the rest of meshbridge, since
 * it is linked with libpurple, which is GPL-2.0-or-later. It is compiled and
 * run by the tests in this folder only and is part of no meshbridge program.
 *
 * Usage: driver FOLDER USER [FIRST [LAST]]
 *
 * One command per line on standard input (TEXT may contain \n and \\):
 *   status avail|away|dnd TEXT   away: idle, which libpurple publishes as "away";
 *                                dnd: its Away status, published as "dnd"
 *   send BUDDY TEXT              BUDDY is taken as it stands, up to the space
 *   close BUDDY                  closes the conversation window
 *   icon FILE                    the picture of this account; without FILE, none
 *   buddies                      one "listed" event per buddy online, then "end"
 *   quit
 *
 * One JSON object per line on standard output, "ev" says which:
 *   online, offline(text)                        this account
 *   signed-on, changed, listed                   name alias status message
 *   signed-off(name)
 *   message(from raw seen)                       raw: the markup handed to the
 *                                                screen; seen: what it shows
 *   notice(from raw), error(from raw)            shown in a conversation
 *   sent(to)                                     the answer to "send"
 *   icon(name sum)                               a buddy's picture, by its SHA-1
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib-unix.h>
#include <purple.h>

#define UI_ID "meshbridge-office"

static PurpleAccount *account;
static GMainLoop *loop;

/* ---- one JSON line per event ---------------------------------------- */

static void put_string(GString *line, const char *s)
{
	char *valid = g_utf8_make_valid(s ? s : "", -1);

	g_string_append_c(line, '"');
	for (const unsigned char *p = (unsigned char *)valid; *p; p++) {
		if (*p == '"' || *p == '\\')
			g_string_append_printf(line, "\\%c", *p);
		else if (*p < 0x20)
			g_string_append_printf(line, "\\u%04x", *p);
		else
			g_string_append_c(line, *p);
	}
	g_string_append_c(line, '"');
	g_free(valid);
}

/* emit writes an event: pairs of key and value, ended by NULL. */
static void G_GNUC_NULL_TERMINATED emit(const char *ev, ...)
{
	GString *line = g_string_new("{\"ev\":");
	const char *key;
	va_list pairs;

	put_string(line, ev);
	va_start(pairs, ev);
	while ((key = va_arg(pairs, const char *)) != NULL) {
		g_string_append_c(line, ',');
		put_string(line, key);
		g_string_append_c(line, ':');
		put_string(line, va_arg(pairs, const char *));
	}
	va_end(pairs);
	g_string_append(line, "}\n");
	fputs(line->str, stdout);
	fflush(stdout);
	g_string_free(line, TRUE);
}

static void emit_buddy(const char *ev, PurpleBuddy *buddy)
{
	PurpleStatus *status = purple_presence_get_active_status(purple_buddy_get_presence(buddy));
	const char *message = NULL;

	if (purple_status_get_attr_value(status, "message") != NULL)
		message = purple_status_get_attr_string(status, "message");
	emit(ev, "name", purple_buddy_get_name(buddy),
	     "alias", purple_buddy_get_alias(buddy),
	     "status", purple_status_get_id(status),
	     "message", message, NULL);
}

/* ---- libpurple's main loop on GLib's -------------------------------- */

typedef struct {
	PurpleInputFunction call;
	gpointer data;
} Watch;

static gboolean on_fd(gint fd, GIOCondition seen, gpointer data)
{
	Watch *watch = data;
	PurpleInputCondition cond = 0;

	if (seen & (G_IO_IN | G_IO_HUP | G_IO_ERR))
		cond |= PURPLE_INPUT_READ;
	if (seen & (G_IO_OUT | G_IO_HUP | G_IO_ERR))
		cond |= PURPLE_INPUT_WRITE;
	watch->call(watch->data, fd, cond);
	return G_SOURCE_CONTINUE;
}

static guint watch_fd(int fd, PurpleInputCondition cond, PurpleInputFunction call, gpointer data)
{
	Watch *watch = g_new(Watch, 1);
	GIOCondition want = 0;

	watch->call = call;
	watch->data = data;
	if (cond & PURPLE_INPUT_READ)
		want |= G_IO_IN | G_IO_HUP | G_IO_ERR;
	if (cond & PURPLE_INPUT_WRITE)
		want |= G_IO_OUT | G_IO_HUP | G_IO_ERR;
	return g_unix_fd_add_full(G_PRIORITY_DEFAULT, fd, want, on_fd, watch, g_free);
}

static PurpleEventLoopUiOps event_ops = {
	.timeout_add = g_timeout_add,
	.timeout_remove = g_source_remove,
	.input_add = watch_fd,
	.input_remove = g_source_remove,
	.timeout_add_seconds = g_timeout_add_seconds,
};

/* ---- what the screen would show ------------------------------------- */

static void write_conversation(PurpleConversation *conv, const char *name, const char *alias,
			       const char *message, PurpleMessageFlags flags, time_t when)
{
	const char *with = purple_conversation_get_name(conv);

	(void)alias;
	(void)when;
	if (flags & PURPLE_MESSAGE_SEND)
		return;
	if (flags & PURPLE_MESSAGE_ERROR) {
		emit("error", "from", with, "raw", message, NULL);
	} else if (flags & PURPLE_MESSAGE_RECV) {
		char *seen = purple_markup_strip_html(message);

		emit("message", "from", name ? name : with, "raw", message, "seen", seen, NULL);
		g_free(seen);
	} else {
		emit("notice", "from", with, "raw", message, NULL);
	}
}

static PurpleConversationUiOps conversation_ops = { .write_conv = write_conversation };

/* A buddy node changed: status, message or alias. Said once per change. */
static void node_changed(PurpleBuddyList *list, PurpleBlistNode *node)
{
	PurpleBuddy *buddy;
	PurpleStatus *status;
	const char *message = NULL;
	char *now;

	(void)list;
	if (!PURPLE_BLIST_NODE_IS_BUDDY(node))
		return;
	buddy = (PurpleBuddy *)node;
	if (!PURPLE_BUDDY_IS_ONLINE(buddy))
		return;
	status = purple_presence_get_active_status(purple_buddy_get_presence(buddy));
	if (purple_status_get_attr_value(status, "message") != NULL)
		message = purple_status_get_attr_string(status, "message");
	now = g_strjoin("\x1f", purple_status_get_id(status), message ? message : "",
			purple_buddy_get_alias(buddy), NULL);
	if (g_strcmp0(now, purple_blist_node_get_ui_data(node)) == 0) {
		g_free(now);
		return;
	}
	g_free(purple_blist_node_get_ui_data(node));
	purple_blist_node_set_ui_data(node, now);
	emit_buddy("changed", buddy);
}

/* gone reports a buddy's end once: by signal, or because prpl-bonjour takes
 * the node out of the list without a word. */
static void gone(PurpleBuddy *buddy)
{
	PurpleBlistNode *node = (PurpleBlistNode *)buddy;

	if (purple_blist_node_get_ui_data(node) == NULL)
		return;
	g_free(purple_blist_node_get_ui_data(node));
	purple_blist_node_set_ui_data(node, NULL);
	emit("signed-off", "name", purple_buddy_get_name(buddy), NULL);
}

static void node_removed(PurpleBuddyList *list, PurpleBlistNode *node)
{
	(void)list;
	if (PURPLE_BLIST_NODE_IS_BUDDY(node))
		gone((PurpleBuddy *)node);
}

static void keep_nothing(PurpleBlistNode *node) { (void)node; }
static void keep_no_account(PurpleAccount *a) { (void)a; }

static PurpleBlistUiOps buddy_ops = {
	.update = node_changed,
	.remove = node_removed,
	.save_node = keep_nothing,
	.remove_node = keep_nothing,
	.save_account = keep_no_account,
};

static void set_up_screen(void)
{
	purple_conversations_set_ui_ops(&conversation_ops);
	purple_blist_set_ui_ops(&buddy_ops);
}

static PurpleCoreUiOps core_ops = { .ui_init = set_up_screen };

/* ---- signals --------------------------------------------------------- */

static void signed_on(PurpleBuddy *buddy, gpointer data) { (void)data; emit_buddy("signed-on", buddy); }
static void signed_off(PurpleBuddy *buddy, gpointer data) { (void)data; gone(buddy); }
static void icon_changed(PurpleBuddy *buddy, gpointer data)
{
	PurpleBuddyIcon *icon = purple_buddy_get_icon(buddy);
	gsize size = 0;
	gconstpointer octets = icon ? purple_buddy_icon_get_data(icon, &size) : NULL;
	char *sum = octets ? g_compute_checksum_for_data(G_CHECKSUM_SHA1, octets, size) : NULL;

	(void)data;
	emit("icon", "name", purple_buddy_get_name(buddy), "sum", sum, NULL);
	g_free(sum);
}

static void went_online(PurpleConnection *gc, gpointer data) { (void)gc; (void)data; emit("online", NULL); }

static void lost(PurpleConnection *gc, PurpleConnectionError why, const char *text, gpointer data)
{
	(void)gc;
	(void)why;
	(void)data;
	emit("offline", "text", text, NULL);
}

static void listen_to_signals(void)
{
	static int me;

	purple_signal_connect(purple_blist_get_handle(), "buddy-signed-on", &me,
			      PURPLE_CALLBACK(signed_on), NULL);
	purple_signal_connect(purple_blist_get_handle(), "buddy-signed-off", &me,
			      PURPLE_CALLBACK(signed_off), NULL);
	purple_signal_connect(purple_blist_get_handle(), "buddy-icon-changed", &me,
			      PURPLE_CALLBACK(icon_changed), NULL);
	purple_signal_connect(purple_connections_get_handle(), "signed-on", &me,
			      PURPLE_CALLBACK(went_online), NULL);
	purple_signal_connect(purple_connections_get_handle(), "connection-error", &me,
			      PURPLE_CALLBACK(lost), NULL);
}

/* ---- commands -------------------------------------------------------- */

/* literal turns \n and \\ of a command into what they stand for. */
static char *literal(const char *s)
{
	GString *out = g_string_new(NULL);

	for (; s && *s; s++) {
		if (s[0] == '\\' && s[1] == 'n') {
			g_string_append_c(out, '\n');
			s++;
		} else if (s[0] == '\\' && s[1] == '\\') {
			g_string_append_c(out, '\\');
			s++;
		} else {
			g_string_append_c(out, *s);
		}
	}
	return g_string_free(out, FALSE);
}

/* as_typed gives the markup an input box yields for a text typed into it. */
static char *as_typed(const char *text)
{
	char *escaped = g_markup_escape_text(text, -1);
	char **lines = g_strsplit(escaped, "\n", -1);
	char *markup = g_strjoinv("<br>", lines);

	g_strfreev(lines);
	g_free(escaped);
	return markup;
}

static void set_status(const char *word, const char *text)
{
	PurplePresence *presence = purple_account_get_presence(account);
	gboolean dnd = strcmp(word, "dnd") == 0, idle = strcmp(word, "away") == 0;

	purple_presence_set_idle(presence, idle, idle ? time(NULL) : 0);
	purple_account_set_status(account, dnd ? "away" : "available", TRUE, "message", text, NULL);
}

static void send_message(const char *buddy, const char *text)
{
	PurpleConversation *conv = purple_find_conversation_with_account(PURPLE_CONV_TYPE_IM, buddy, account);
	char *markup = as_typed(text);

	if (conv == NULL)
		conv = purple_conversation_new(PURPLE_CONV_TYPE_IM, account, buddy);
	purple_conv_im_send(PURPLE_CONV_IM(conv), markup);
	emit("sent", "to", buddy, NULL);
	g_free(markup);
}

static void set_icon(const char *file)
{
	char *octets = NULL;
	gsize size = 0;

	if (file != NULL && !g_file_get_contents(file, &octets, &size, NULL))
		emit("error", "from", "", "raw", file, NULL);
	else /* which libpurple frees */
		purple_buddy_icons_set_account_icon(account, (guchar *)octets, size);
}

static void list_buddies(void)
{
	GSList *all = purple_find_buddies(account, NULL);

	for (GSList *i = all; i; i = i->next)
		if (PURPLE_BUDDY_IS_ONLINE((PurpleBuddy *)i->data))
			emit_buddy("listed", i->data);
	g_slist_free(all);
	emit("end", NULL);
}

static void obey(const char *line)
{
	char **words = g_strsplit(line, " ", 3);
	guint n = g_strv_length(words);
	char *text = literal(n > 2 ? words[2] : "");

	if (n >= 2 && strcmp(words[0], "status") == 0) {
		set_status(words[1], text);
	} else if (n == 3 && strcmp(words[0], "send") == 0) {
		send_message(words[1], text);
	} else if (n == 2 && strcmp(words[0], "close") == 0) {
		PurpleConversation *conv =
			purple_find_conversation_with_account(PURPLE_CONV_TYPE_IM, words[1], account);
		if (conv)
			purple_conversation_destroy(conv);
	} else if (n <= 2 && strcmp(words[0], "icon") == 0) {
		set_icon(n == 2 ? words[1] : NULL);
	} else if (n == 1 && strcmp(words[0], "buddies") == 0) {
		list_buddies();
	} else if (n == 1 && strcmp(words[0], "quit") == 0) {
		g_main_loop_quit(loop);
	} else {
		emit("error", "from", "", "raw", line, NULL);
	}
	g_free(text);
	g_strfreev(words);
}

static gboolean on_command(GIOChannel *in, GIOCondition cond, gpointer data)
{
	char *line = NULL;
	gsize end = 0;

	(void)cond;
	(void)data;
	switch (g_io_channel_read_line(in, &line, NULL, &end, NULL)) {
	case G_IO_STATUS_NORMAL:
		line[end] = '\0';
		obey(line);
		g_free(line);
		return G_SOURCE_CONTINUE;
	case G_IO_STATUS_AGAIN:
		return G_SOURCE_CONTINUE;
	default: /* standard input closed: whoever started us is gone */
		g_main_loop_quit(loop);
		return G_SOURCE_REMOVE;
	}
}

/* ---- start ------------------------------------------------------------ */

static void to_stderr(const char *text) { fputs(text, stderr); }

static void log_to_stderr(const char *domain, GLogLevelFlags level, const char *text, gpointer data)
{
	(void)level;
	(void)data;
	fprintf(stderr, "%s: %s\n", domain ? domain : "log", text);
}

static gboolean start_libpurple(const char *folder)
{
	g_set_print_handler(to_stderr);
	g_log_set_default_handler(log_to_stderr, NULL);
	purple_util_set_user_dir(folder);
	purple_debug_set_enabled(g_getenv("PURPLE_DRIVER_DEBUG") != NULL);
	purple_core_set_ui_ops(&core_ops);
	purple_eventloop_set_ui_ops(&event_ops);
	if (!purple_core_init(UI_ID))
		return FALSE;
	purple_network_force_online();
	purple_set_blist(purple_blist_new());
	purple_prefs_set_string("/purple/away/idle_reporting", "none");
	purple_prefs_set_bool("/purple/away/away_when_idle", FALSE);
	return TRUE;
}

int main(int argc, char **argv)
{
	GIOChannel *in;

	if (argc < 3) {
		fprintf(stderr, "usage: driver FOLDER USER [FIRST [LAST]]\n");
		return 2;
	}
	loop = g_main_loop_new(NULL, FALSE);
	if (!start_libpurple(argv[1])) {
		fprintf(stderr, "driver: libpurple does not start\n");
		return 1;
	}
	if (purple_find_prpl("prpl-bonjour") == NULL) {
		fprintf(stderr, "driver: libpurple has no prpl-bonjour (Debian: in libpurple0)\n");
		return 1;
	}
	listen_to_signals();
	account = purple_account_new(argv[2], "prpl-bonjour");
	purple_account_set_string(account, "first", argc > 3 ? argv[3] : "");
	purple_account_set_string(account, "last", argc > 4 ? argv[4] : "");
	purple_accounts_add(account);
	purple_account_set_enabled(account, UI_ID, TRUE);
	purple_savedstatus_activate(purple_savedstatus_new(NULL, PURPLE_STATUS_AVAILABLE));

	in = g_io_channel_unix_new(STDIN_FILENO);
	g_io_channel_set_flags(in, G_IO_FLAG_NONBLOCK, NULL);
	g_io_add_watch(in, G_IO_IN | G_IO_HUP, on_command, NULL);
	g_main_loop_run(loop);
	purple_core_quit();
	return 0;
}
