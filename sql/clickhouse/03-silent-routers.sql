-- Routers whose heartbeat is older than five minutes.
SELECT router, max(time_ms) AS last_ms, toUnixTimestamp(now()) - intDiv(max(time_ms), 1000) AS silent_s
FROM heartbeat
GROUP BY router HAVING silent_s > 300 ORDER BY silent_s DESC;
