-- The share of new flows that got no answer, per uplink, in the last hour.
SELECT router, uplink, sum(flows_started) AS started,
    1 - sum(flows_answered) / sum(flows_started) AS unanswered
FROM usage FINAL
WHERE row_hour >= intDiv(toUnixTimestamp(now()) - 3600, 3600)
    AND time_ms >= (toUnixTimestamp(now()) - 3600) * 1000
GROUP BY router, uplink HAVING started >= 20 ORDER BY unanswered DESC LIMIT 100;
