DROP TABLE act_attributions;
DROP TABLE acts;
