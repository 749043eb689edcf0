// SPDX-License-Identifier: GPL-2.0-or-later
//
// Uplinks, whether their packets can be seen, the latest mismatches, and the explanation of
// one flow. It only reads: the programs and arguments are those of the ACL.
//
// LuCI takes a bare string as HTML and the strings of an array as text: children are always
// arrays here.

'use strict';
'require dom';
'require fs';
'require poll';
'require view';

const PROGRAM = '/usr/bin/waymark';
const CONFIGURATION = '/var/etc/waymark.conf'; // what the service makes of /etc/config/waymark
const INTERVAL = 10; // seconds

const MISSING = {
	'untracked': _('not tracked'),
	'rules-missing': _('while the rules were missing'),
	'offloaded': _('offloaded'),
	'predating': _('older than the rules'),
	'gap': _('in a gap'),
	'uncounted': _('not counted'),
	'other': _('other')
};

// --- what waymark answers ---

// The object that a command prints; null where it prints nothing, as without a daemon.
function ask(words) {
	return fs.exec_direct(PROGRAM, [ '-c', CONFIGURATION ].concat(words), 'text').then(function(text) {
		return text.trim() ? JSON.parse(text) : null;
	});
}

// Without a daemon the uplinks' states are the kernel's.
function collect() {
	return Promise.all([
		ask([ 'status', '--json' ]),
		ask([ 'mismatches', '--json', '--limit', '20' ]),
		ask([ 'gaps', '--json', '--limit', '5' ])
	]).then(function(answers) {
		const data = { status: answers[0], mismatches: answers[1], gaps: answers[2] };

		return (data.status ? Promise.resolve(data.status.uplinks) : ask([ 'uplinks', '--json' ]))
			.then(function(uplinks) {
				data.uplinks = uplinks || [];
				return data;
			});
	}).catch(function(error) {
		return { error: error };
	});
}

// What left is compared with what was seen every hour, and now.
function load() {
	return ask([ 'coverage', '--json', '--limit', '1' ]).then(collect, collect);
}

// --- words ---

function text(value) {
	return value == null ? '–' : String(value);
}

function time(iso) {
	return iso ? iso.slice(0, 10) + ' ' + iso.slice(11, 19) : _('unknown');
}

// Cut off after the second digit: only what is complete is 100 %.
function percent(share) {
	return share == null || share < 0 ? '–' : Math.floor(share * 10000) / 100 + ' %';
}

function endpoint(address, port) {
	if (port == null)
		return text(address);
	return (String(address).indexOf(':') < 0 ? address : '[' + address + ']') + ':' + port;
}

function flow(m) {
	const words = m.proto + ' ' + endpoint(m.src, m.sport) + ' > ' + endpoint(m.dst, m.dport);

	return m.direction == 'reply' ? words + _(', its replies') : words;
}

function problem(data) {
	const error = data.error;

	if (error && error.name == 'NotFoundError')
		return _('waymark is not installed: %s is missing.').format(PROGRAM);
	if (error && error.name == 'PermissionError')
		return _('This user may not run waymark (ACL luci-app-waymark).');
	if (error)
		return _('Cannot ask waymark: %s').format(error.message);
	if (!data.status)
		return _('waymarkd is not running: no packet is observed now. What follows is the history until it stopped. Start it: /etc/init.d/waymark start (/etc/config/waymark needs option enabled 1)');
	if (!data.status.ready)
		return _('waymarkd is starting and observes nothing yet.');
	return null;
}

// What of an uplink's packets was not seen; null if nothing.
function unseen(uplink) {
	const c = uplink.coverage;

	if (!c)
		return _('%s: not compared yet').format(uplink.name);
	if (!c.known)
		return _('%s: unknown, the counters of the rules and of the interface could not be read').format(uplink.name);
	if (c.share == null || c.share < 0 || c.share >= 1)
		return null;
	const causes = Object.keys(c.missing || {}).filter(function(cause) {
		return c.missing[cause];
	}).map(function(cause) {
		return c.missing[cause] + ' ' + (MISSING[cause] || cause);
	});
	return _('%s: %s of %d packets seen; missing: %s')
		.format(uplink.name, percent(c.share), c.left_packets, causes.join(', '));
}

// When what left was compared with what was seen: from the first start to the first end.
function compared(data) {
	return data.uplinks.reduce(function(span, u) {
		const c = u.coverage || {};

		return {
			since: !span.since || c.since < span.since ? c.since : span.since,
			until: !span.until || c.until < span.until ? c.until : span.until,
			packets: span.packets + (c.left_packets || 0)
		};
	}, { since: null, until: null, packets: 0 });
}

// Why packets may have left unseen, in sentences; none: all were seen.
function doubts(data) {
	if (data.error || !data.status)
		return [ _('waymarkd is not running: nothing is observed.') ];
	if (!data.status.ready)
		return [ _('waymarkd is starting: nothing is observed yet.') ];
	const found = data.uplinks.map(unseen).filter(Boolean), since = compared(data).since;

	if (!data.gaps)
		found.unshift(_('The history cannot be read: gaps are unknown.'));
	else if (data.gaps.some(function(g) { return !g.ended || !since || g.ended > since; }))
		found.unshift(_('In the gaps below events or evidence may be missing.'));
	if (data.status.gaps_open)
		found.unshift(_('%d gaps are open: events or evidence may be missing now.').format(data.status.gaps_open));
	return found;
}

function seen(data) {
	const span = compared(data);

	return span.packets
		? _('All %d packets that left by the uplinks from %s to %s were seen.').format(span.packets, time(span.since), time(span.until))
		: _('No packet left by an uplink from %s to %s.').format(time(span.since), time(span.until));
}

// --- sections ---

// A column without a title has buttons. WIDE has its own row on a narrow screen.
function table(titles, rows, wide) {
	return E('table', { 'class': 'table' }, [
		E('tr', { 'class': 'tr table-titles' }, titles.map(function(title) {
			return E('th', { 'class': 'th' }, [ title ]);
		}))
	].concat(rows.map(function(cells) {
		return E('tr', { 'class': 'tr' }, cells.map(function(cell, i) {
			const attributes = { 'class': i === wide ? 'td col-10' : 'td', 'style': 'overflow-wrap:anywhere' };

			if (titles[i])
				attributes['data-title'] = titles[i];
			return E('td', attributes, [ cell ]);
		}));
	})));
}

function gap_row(g) {
	return [ g.started ? time(g.started) : _('unknown'), g.ended ? time(g.ended) : _('still open'),
		text(g.source), text(g.lost), text(g.reason) ];
}

function coverage_show(data) {
	const found = doubts(data);
	const parts = found.length ? [
		E('p', {}, [ E('strong', {}, [ _('Packets may have left unseen.') ]) ]),
		E('ul', {}, found.map(function(sentence) {
			return E('li', { 'style': 'overflow-wrap:anywhere' }, [ sentence ]);
		}))
	] : [ E('p', {}, [ seen(data) ]) ];

	if (data.gaps && data.gaps.length)
		parts.push(E('p', {}, [ _('Latest gaps:') ]),
			table([ _('From (UTC)'), _('Until (UTC)'), _('Source'), _('Lost'), _('Reason') ],
				data.gaps.map(gap_row), 4));
	else if (data.gaps)
		parts.push(E('p', {}, [ _('The history has no gap.') ]));
	return parts;
}

function uplink_row(u, flows) {
	const state = u.decision ? _('%s (decided by %s)').format(u.state, text(u.decided_by)) : text(u.state);
	const share = u.flows_live == null || !flows ? '–' : Math.round(u.flows_live / flows * 100) + ' %';

	return [ u.name == u.interface ? u.name : u.name + ' (' + u.interface + ')',
		u.cause && u.cause != 'link' ? _('%s, by %s').format(state, u.cause) : state,
		u.answered_share == null ? text(u.health) : _('%s, %s answered').format(text(u.health), percent(u.answered_share)),
		text(u.flows_live), _('%s (weight %d)').format(share, u.weight),
		percent(u.coverage && u.coverage.share), text(u.mismatches) ];
}

function uplinks_show(data) {
	const flows = data.uplinks.reduce(function(sum, u) {
		return sum + (u.flows_live || 0);
	}, 0);

	return [ table([ _('Uplink'), _('State'), _('Health'), _('Live flows'), _('Share of flows'), _('Packets seen'), _('Mismatches since start') ],
		data.uplinks.map(function(u) {
			return uplink_row(u, flows);
		})) ];
}

function mismatch_row(m, explain) {
	return [ time(m.time), flow(m), text(m.expected) + ' → ' + text(m.egress),
		text(m.reason),
		m.flow_id == null ? '–' : E('button', {
			'class': 'btn cbi-button',
			'click': function(event) {
				event.preventDefault();
				return explain(m.flow_id);
			}
		}, [ _('Explain') ]) ];
}

// "None found" is said only where everything was seen.
function mismatches_show(data, explain) {
	if (data.mismatches && data.mismatches.length)
		return [ table([ _('Time (UTC)'), _('Flow'), _('Expected → egress'), _('Reason'), '' ],
			data.mismatches.map(function(m) {
				return mismatch_row(m, explain);
			}), 1) ];
	if (!data.mismatches)
		return [ E('p', {}, [ _('The history cannot be read: mismatches are unknown.') ]) ];
	return [ E('p', {}, [ doubts(data).length
		? _('The history has no mismatch. This does not mean that there was none: packets may have left unseen.')
		: _('No mismatch: every packet that was seen left by the uplink of its flow.') ]) ];
}

// The steps of a story: each name once, then its sentences and commands.
function story_show(story) {
	let last = null;

	return E('dl', {}, story.reduce(function(parts, step) {
		if (step.step != last)
			parts.push(E('dt', {}, [ step.step ]));
		last = step.step;
		parts.push(E('dd', { 'style': 'overflow-wrap:anywhere' }, [ step.text ].concat(step.command ? [
			E('br'), E('code', { 'style': 'white-space:pre-wrap' }, [ step.command ])
		] : [])));
		return parts;
	}, []));
}

return view.extend({
	load: load,

	render: function(data) {
		this.nodes = {
			problem: E('div'),
			coverage: E('div'),
			uplinks: E('div'),
			mismatches: E('div'),
			explanation: E('div')
		};
		this.shown = {};
		this.show(data);
		poll.add(L.bind(function() {
			return collect().then(L.bind(this.show, this));
		}, this), INTERVAL);
		return E('div', { 'class': 'cbi-map' }, [
			E('h2', {}, [ _('Waymark') ]),
			E('div', { 'class': 'cbi-map-descr' },
				[ _('Whether packets left by the uplink that their flow is pinned to. This page changes nothing.') ]),
			this.nodes.problem,
			this.section(_('Uplinks'), this.nodes.uplinks),
			this.section(_('What can be seen'), this.nodes.coverage),
			this.section(_('Latest mismatches'), this.nodes.mismatches),
			this.nodes.explanation
		]);
	},

	section: function(title, node) {
		return E('div', { 'class': 'cbi-section' }, [ E('h3', {}, [ title ]), node ]);
	},

	// A part is replaced only when its data changed, so that focus and selection stay.
	part: function(name, key, children) {
		const now = JSON.stringify(key);

		if (this.shown[name] != now)
			dom.content(this.nodes[name], children());
		this.shown[name] = now;
	},

	show: function(data) {
		const sentence = problem(data), explain = L.bind(this.explain, this);

		this.part('problem', sentence, function() {
			return sentence ? [ E('div', { 'class': 'alert-message warning' }, [ sentence ]) ] : [];
		});
		if (data.error)
			return;
		this.part('uplinks', data.uplinks, function() {
			return uplinks_show(data);
		});
		this.part('coverage', [ doubts(data), data.uplinks, data.gaps ], function() {
			return coverage_show(data);
		});
		this.part('mismatches', [ doubts(data).length, data.mismatches ], function() {
			return mismatches_show(data, explain);
		});
	},

	explain: function(id) {
		const node = this.nodes.explanation;

		dom.content(node, [ E('em', { 'class': 'spinning' }, [ _('Explaining flow %s …').format(id) ]) ]);
		return ask([ 'explain', '--json', String(id) ]).then(function(answer) {
			return answer ? story_show(answer.story) : E('p', {}, [ _('The history no longer has this flow.') ]);
		}).catch(function(error) {
			return E('p', {}, [ problem({ error: error }) ]);
		}).then(L.bind(function(content) {
			const section = this.section(_('Flow %s').format(id), content);

			dom.content(node, [ section ]);
			section.scrollIntoView();
		}, this));
	},

	handleSaveApply: null,
	handleSave: null,
	handleReset: null
});
