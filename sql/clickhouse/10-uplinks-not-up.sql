-- Uplinks that are not up now, why, and since when.
SELECT router, uplink, argMax(toString(state), time_ms) AS state_now,
    argMax(toString(cause), time_ms) AS cause_now, max(time_ms) AS since_ms
FROM uplink_states
GROUP BY router, uplink HAVING state_now != 'up' ORDER BY since_ms DESC LIMIT 100;
