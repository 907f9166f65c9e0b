DROP TABLE judge_particulars;
