-- Uplinks that changed their state most often in the last day.
SELECT router, uplink, count() AS changes, countIf(state = 'down') AS downs
FROM uplink_states FINAL
WHERE row_hour >= intDiv(toUnixTimestamp(now()) - 86400, 3600)
    AND time_ms >= (toUnixTimestamp(now()) - 86400) * 1000
GROUP BY router, uplink HAVING changes > 2 ORDER BY changes DESC LIMIT 100;
