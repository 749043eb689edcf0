-- Routers whose exporter is behind, or whose waymarkd has not written for ten minutes,
-- of those that reported in the last day.
SELECT router, argMax(pending, time_ms) AS pending_now, max(time_ms) AS last_ms,
    intDiv(max(time_ms) - max(ifNull(alive_ms, 0)), 1000) AS daemon_silent_s
FROM heartbeat
WHERE row_hour >= intDiv(toUnixTimestamp(now()) - 86400, 3600)
GROUP BY router HAVING pending_now > 50000 OR daemon_silent_s > 600
ORDER BY pending_now DESC LIMIT 100;
