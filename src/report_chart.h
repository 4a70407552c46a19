/* report_chart.h: charts of sums, as SVG in a page. */
#ifndef BESTAUTH_REPORT_CHART_H
#define BESTAUTH_REPORT_CHART_H

#include "html.h"
#include "report_sums.h"

extern char *BaChartLabel(const char *unit, TimestampTz at);
extern void BaChartActs(StringInfo page, const BaSums *sums);
extern void BaChartChanges(StringInfo page, const BaSums *sums);
extern void BaChartWeek(StringInfo page, const BaSums *sums);
extern void BaChartBar(StringInfo page, const BaSum *sum, int64 most);

extern const char *const BaWeekdays[7];

#endif /* BESTAUTH_REPORT_CHART_H */
